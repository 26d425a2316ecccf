"""Writing shards against WebDataset's own writer: `python benchmarks/write_shards.py [OUT.json]`.

The same 5,000 samples of three members, 64-pixel films, 1,000 in a shard. Both encode the films; ours also hashes each
shard, waits for the disk and writes the manifest. CPU time on one thread, interleaved, minimum of the rounds.
"""

import io
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import webdataset
from PIL import Image

from medsuite.synth_medvlp import Sample, write_shard

SAMPLES, SHARD, ROUNDS = 5000, 1000, 3


def make_samples() -> list[Sample]:
    """Return smooth pictures with a report each."""
    rng = np.random.default_rng(0)
    ramp = np.add.outer(np.arange(64), np.arange(64))
    films = (ramp + rng.integers(0, 100, (SAMPLES, 1, 1))).astype(np.uint8)
    report = "FINDINGS: There is mass. No nodule.\nIMPRESSION: Mass.\n"
    return [Sample(f"s{place:06d}", film, report, {"place": place}) for place, film in enumerate(films)]


def ours(samples: list[Sample], folder: Path) -> None:
    """Write with this package."""
    for start in range(0, SAMPLES, SHARD):
        write_shard(folder, f"pairs-{start // SHARD:06d}.tar", samples[start : start + SHARD])


def theirs(samples: list[Sample], folder: Path) -> None:
    """Write with `webdataset.ShardWriter`."""
    with webdataset.ShardWriter(str(folder / "pairs-%06d.tar"), maxcount=SHARD, verbose=0) as writer:
        for sample in samples:
            picture = io.BytesIO()
            Image.fromarray(sample.film).save(picture, "PNG")
            meta = json.dumps(sample.meta).encode()
            fields = {"png": picture.getvalue(), "txt": sample.report.encode(), "json": meta}
            writer.write({"__key__": sample.key, **fields})


def main() -> None:
    """Print the table and write JSON where a path is given."""
    samples, best = make_samples(), {"ours": float("inf"), "webdataset": float("inf")}
    for _ in range(ROUNDS):
        for name, write in (("ours", ours), ("webdataset", theirs)):
            with tempfile.TemporaryDirectory() as folder:
                start = time.process_time()
                write(samples, Path(folder))
                best[name] = min(best[name], time.process_time() - start)
    ratio = best["webdataset"] / best["ours"]
    print(f"ours {best['ours']:.2f} s, webdataset.ShardWriter {best['webdataset']:.2f} s: {ratio:.2f} times as fast")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(best | {"ratio": ratio}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
