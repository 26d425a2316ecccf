"""Reading a region of interest, against h5py's own choice of columns: `python benchmarks/reading.py [OUT.json]`.

A response of 300 TRs and 95,000 voxels in float64, as ds003020 stores it, of which 2,000 voxels are kept. CPU time of
one process, interleaved, minimum of the rounds.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

from medsuite.bpgpt import Run

ROWS, VOXELS, KEPT, ROUNDS = 300, 95_000, 2_000, 3


def ours(path: Path, mask: np.ndarray) -> np.ndarray:
    """Read rows in blocks and take columns from them."""
    return Run("UTS01", "story", path, None).bold(mask)


def theirs(path: Path, mask: np.ndarray) -> np.ndarray:
    """Let h5py choose the columns on disk."""
    with h5py.File(path) as file:
        return file["data"][:, np.flatnonzero(mask)].astype(np.float32)


def main() -> None:
    """Print the table and write JSON where a path is given."""
    rng = np.random.default_rng(0)
    mask = np.zeros(VOXELS, dtype=bool)
    mask[rng.choice(VOXELS, KEPT, replace=False)] = True
    best = {"ours": float("inf"), "h5py": float("inf")}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "story.hf5"
        with h5py.File(path, "w") as file:
            file["data"] = rng.standard_normal((ROWS, VOXELS))
        if not np.array_equal(ours(path, mask), theirs(path, mask)):
            raise SystemExit("the two read different numbers")
        for _ in range(ROUNDS):
            for name, read in (("ours", ours), ("h5py", theirs)):
                start = time.process_time()
                read(path, mask)
                best[name] = min(best[name], time.process_time() - start)
    ratio = best["h5py"] / best["ours"]
    print(f"ours {best['ours']:.3f} s, h5py's columns {best['h5py']:.3f} s: {ratio:.1f} times as fast")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(best | {"ratio": ratio}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
