"""Time RoDeO against the authors' package, and COCO AP against pycocotools, on the same boxes in the same run.

    python benchmarks/measures.py --out measures.json

Prints the median of several rounds in which the two alternate. The authors' package needs scikit-learn's correlation
as a NumPy float, which is adapted here; it is otherwise as released.
"""

import argparse
import contextlib
import io
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from medsuite.grounding.metrics import Case, coco_ap, rodeo
from medsuite.grounding.metrics.coco import _answers, _truth

CLASSES = 22


def make_cases(count: int, rng: np.random.Generator) -> list[Case]:
    cases = []
    for number in range(count):
        near = rng.uniform(0, 700, (rng.integers(1, 3), 2))
        targets = np.concatenate([near, near + rng.uniform(20, 300, near.shape)], axis=1)
        labels = rng.integers(0, CLASSES, len(targets))
        boxes = targets + rng.normal(0, 5, targets.shape)
        cases.append(Case(str(number), targets, labels, boxes, labels, rng.random(len(boxes))))
    return cases


def peer_rodeo(cases: list[Case]) -> Callable[[], object]:
    from rodeo import rodeo as module
    from sklearn.metrics import matthews_corrcoef

    module.matthews_corrcoef = lambda *arguments: np.float64(matthews_corrcoef(*arguments))
    metric = module.RoDeO([str(number) for number in range(CLASSES)])
    columns = [
        [np.column_stack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2], classes]) for boxes, classes in side]
        for side in (
            [(case.boxes, case.classes) for case in cases],
            [(case.targets, case.target_classes) for case in cases],
        )
    ]
    metric.add(*columns)
    return metric.compute


def peer_coco(cases: list[Case]) -> Callable[[], object]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    names = [str(number) for number in range(CLASSES)]

    def run() -> object:
        with contextlib.redirect_stdout(io.StringIO()):
            truth = COCO()
            truth.dataset = _truth(cases, names)
            truth.createIndex()
            evaluation = COCOeval(truth, truth.loadRes(_answers(cases)), "bbox")
            evaluation.evaluate()
            evaluation.accumulate()
        return evaluation

    return run


def seconds(function: Callable[[], object]) -> float:
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def compare(name: str, images: int, ours: Callable[[], object], peer: Callable[[], object], rounds: int) -> dict:
    pairs = [(seconds(ours), seconds(peer)) for _ in range(rounds)]
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    row = {"measure": name, "images": images, "ours_s": mine, "peer_s": theirs, "ratio": theirs / mine}
    print(f"{name:10} {images:6d} images   ours {mine:8.3f} s   peer {theirs:8.3f} s   {theirs / mine:6.1f} x")
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[500, 2000, 4000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    names = [str(number) for number in range(CLASSES)]
    rows = []
    for images in options.images:
        cases = make_cases(images, rng)
        rows.append(compare("RoDeO", images, lambda c=cases: rodeo(c, CLASSES), peer_rodeo(cases), options.rounds))
        rows.append(compare("COCO AP", images, lambda c=cases: coco_ap(c, names), peer_coco(cases), options.rounds))
    if options.out:
        options.out.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
