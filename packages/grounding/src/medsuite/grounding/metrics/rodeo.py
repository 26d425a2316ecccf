"""RoDeO, robust detection outcome (Meissen et al. 2023, arXiv 2303.01920), in linear time.

Every class-agnostic quality is counted over matched boxes, and unmatched boxes of either kind count as zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from medsuite.core.errors import InputError
from medsuite.grounding.boxes import area
from medsuite.grounding.metrics.cases import Case

EPSILON = 1e-6
"""Added to each part before the harmonic mean, as the authors do."""


@dataclass(frozen=True)
class RodeoResult:
    """RoDeO's parts, each in [0, 1].

    Attributes:
        localization: exp(-ln 2 d²) of the distance d between centres, in units of the target's width and height.
        shape: IoU of the boxes when their centres are put together.
        classification: Clamped Matthews correlation of the classes of matched boxes.
        total: Harmonic mean of the three.
        matched: Number of matched pairs.
        extra: Predicted boxes without a target.
        missed: Targets without a predicted box.
    """

    localization: float
    shape: float
    classification: float
    total: float
    matched: int
    extra: int
    missed: int


def rodeo(cases: Sequence[Case], classes: int) -> RodeoResult:
    """Measure RoDeO over all boxes of all images (the micro average).

    O(images x m³) for m boxes an image; the authors' package takes O(boxes²) time and memory for the same values.

    Args:
        cases: Images with their boxes; none needs a box.
        classes: Number of classes; with a single one every matched class is right.

    Raises:
        InputError: There is no image or no class.
    """
    if not len(cases) or classes < 1:
        raise InputError(f"RoDeO of {len(cases)} images and {classes} classes", expected="at least one of each")
    sums = sufficient(cases, classes).sum(axis=0)
    parts = parts_of(sums[None], classes)[0]
    matched, extra, missed = (int(count) for count in sums[3:])
    localization, shape, classification, total = parts.tolist()
    return RodeoResult(localization, shape, classification, total, matched, extra, missed)


def sufficient(cases: Sequence[Case], classes: int) -> Float[np.ndarray, "image column"]:
    """Return what RoDeO sums over images: localisation, shape and class agreement of pairs, and the three counts."""
    candidates = _candidates(cases)
    chosen = _assign(candidates, class_weight(cases, classes))
    image = candidates.image[chosen]
    boxes, targets = candidates.boxes[chosen], candidates.targets[chosen]
    size, target_size = boxes[:, 2:] - boxes[:, :2], targets[:, 2:] - targets[:, :2]
    centre, target_centre = (boxes[:, :2] + boxes[:, 2:]) / 2, (targets[:, :2] + targets[:, 2:]) / 2
    distance = (((centre - target_centre) / target_size) ** 2).sum(axis=1)
    common = np.minimum(size, target_size).prod(axis=1)
    shape = common / (size.prod(axis=1) + target_size.prod(axis=1) - common)
    qualities = (np.exp2(-distance), shape, candidates.same[chosen].astype(float), np.ones(len(chosen)))
    sums = [np.bincount(image, weights=quality, minlength=len(cases)) for quality in qualities]
    counts = np.array([[len(case.boxes), len(case.targets)] for case in cases])
    return np.column_stack([*sums, counts - sums[3][:, None]]).astype(float)


def parts_of(sums: Float[np.ndarray, "row column"], classes: int) -> Float[np.ndarray, "row part"]:
    """Turn sums over images into localisation, shape, classification and total, row by row.

    The correlation of the one-hot classes of n matched pairs, of which a agree, is (C a/n - 1) / (C - 1).
    """
    localization, shape, agree, matched, extra, missed = sums.T
    boxes = np.maximum(matched + extra + missed, 1)
    if classes > 1:
        agree = np.maximum((classes * agree - matched) / (classes - 1), 0)
    parts = np.stack([localization, shape, agree], axis=1) / boxes[:, None]
    total = 3 / (1 / (parts + EPSILON)).sum(axis=1)
    return np.column_stack([parts, np.where(matched > 0, total, 0.0)])


def class_weight(cases: Sequence[Case], classes: int) -> float:
    """Return the weight of class agreement in matching: the clamped correlation of the classes present per image."""
    true = np.zeros((len(cases), classes), dtype=bool)
    predicted = np.zeros_like(true)
    for row, case in enumerate(cases):
        true[row, case.target_classes] = True
        predicted[row, case.classes] = True
    return max(0.0, _matthews(true, predicted))


@dataclass(frozen=True, eq=False)
class _Candidates:
    """All pairs of a box and a target of the same image, image by image, each image's pairs box by box."""

    image: Int[np.ndarray, "pair"]
    boxes: Float[np.ndarray, "pair 4"]
    targets: Float[np.ndarray, "pair 4"]
    same: Bool[np.ndarray, "pair"]
    shapes: Int[np.ndarray, "image 2"]


def _candidates(cases: Sequence[Case]) -> _Candidates:
    shapes = np.array([[len(case.boxes), len(case.targets)] for case in cases])
    count = shapes.prod(axis=1)
    image = np.repeat(np.arange(len(cases)), count)
    within = np.arange(len(image)) - (np.cumsum(count) - count)[image]
    begin = np.cumsum(shapes, axis=0) - shapes
    box = begin[image, 0] + within // shapes[image, 1]
    target = begin[image, 1] + within % shapes[image, 1]
    boxes, targets = (
        np.concatenate(side) for side in zip(*[(case.boxes, case.targets) for case in cases], strict=True)
    )
    labels = zip(*[(case.classes, case.target_classes) for case in cases], strict=True)
    classes, target_classes = (np.concatenate(side) for side in labels)
    return _Candidates(image, boxes[box], targets[target], classes[box] == target_classes[target], shapes)


def _assign(candidates: _Candidates, weight: float) -> Int[np.ndarray, "matched"]:
    """Choose the pairs that maximise the sum of GIoU + weight [same class] within each image."""
    from scipy.optimize import linear_sum_assignment

    gain = generalised_iou(candidates.boxes, candidates.targets) + weight * candidates.same
    count = candidates.shapes.prod(axis=1)
    start = np.cumsum(count) - count
    chosen = [start[count == 1]]
    for image in np.flatnonzero(count > 1):
        rows, columns = candidates.shapes[image]
        block = gain[start[image] : start[image] + count[image]].reshape(rows, columns)
        row, column = linear_sum_assignment(block, maximize=True)
        chosen.append(start[image] + row * columns + column)
    return np.concatenate(chosen)


def generalised_iou(
    first: Float[np.ndarray, "*batch 4"], second: Float[np.ndarray, "*batch 4"]
) -> Float[np.ndarray, "*batch"]:
    """Return IoU - (|hull| - |union|) / |hull| of boxes that belong together; all boxes have an area."""
    near, far = np.maximum(first, second), np.minimum(first, second)
    intersection = area(np.concatenate([near[..., :2], far[..., 2:]], axis=-1))
    union = area(first) + area(second) - intersection
    hull = area(np.concatenate([far[..., :2], near[..., 2:]], axis=-1))
    return intersection / union - (hull - union) / hull


def _matthews(first: Bool[np.ndarray, "image class"], second: Bool[np.ndarray, "image class"]) -> float:
    """Matthews correlation of two binary arrays; zero where one of them is constant."""
    a, b = first.ravel().astype(float), second.ravel().astype(float)
    spread = a.std() * b.std()
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread) if spread > 0 else 0.0
