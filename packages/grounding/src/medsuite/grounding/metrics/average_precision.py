"""Average precision under weights of the images, for its interval: matching once, then sums for every resample.

COCO's rules (Lin et al. 2014): in order of score, a box takes the free target of its class that it overlaps most, if
that IoU reaches the threshold; precision is made monotone and averaged at 101 recalls. `coco_ap` gives the same value.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from medsuite.grounding.boxes import Boxes, iou_matrix
from medsuite.grounding.metrics.cases import Case

MOST_BOXES = 100
"""Boxes of a class that count in an image, as in COCO."""

RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True, eq=False)
class RankedBoxes:
    """The boxes of one class, best first.

    Attributes:
        image: Index of the image of each box.
        right: Whether it took a target.
        targets: Number of targets of the class in each image.
    """

    image: Int[np.ndarray, "box"]
    right: Bool[np.ndarray, "box"]
    targets: Float[np.ndarray, "image"]


def ranked_boxes(cases: Sequence[Case], label: int, iou: float) -> RankedBoxes:
    """Match the boxes of one class in every image, and rank them over all images; ties keep the order of the images.

    Args:
        cases: Images with their boxes and scores.
        label: Index of the class.
        iou: Overlap that a match needs.
    """
    images, rights, scores = [np.zeros(0, int)], [np.zeros(0, bool)], [np.zeros(0)]
    counts = np.zeros(len(cases))
    for number, case in enumerate(cases):
        targets = case.targets[case.target_classes == label]
        counts[number] = len(targets)
        mine = np.flatnonzero(case.classes == label)
        mine = mine[np.argsort(-case.scores[mine], kind="stable")[:MOST_BOXES]]
        images.append(np.full(len(mine), number))
        rights.append(_take_targets(case.boxes[mine], targets, iou))
        scores.append(case.scores[mine])
    order = np.argsort(-np.concatenate(scores), kind="stable")
    return RankedBoxes(np.concatenate(images)[order], np.concatenate(rights)[order], counts)


def _take_targets(boxes: Boxes, targets: Float[np.ndarray, "target 4"], iou: float) -> Bool[np.ndarray, "box"]:
    overlap = iou_matrix(boxes, targets)
    right = np.zeros(len(boxes), dtype=bool)
    for box in range(len(boxes) if len(targets) else 0):
        # Of equal overlaps COCO takes the last.
        best = len(targets) - 1 - int(overlap[box, ::-1].argmax())
        right[box] = overlap[box, best] >= iou
        if right[box]:
            overlap[:, best] = -1
    return right


def weighted_ap(ranked: RankedBoxes, weights: Float[np.ndarray, "resample image"]) -> Float[np.ndarray, "resample"]:
    """Return the average precision of one class as if each image were there as often as its weight says.

    NaN where no image with a target has a weight. O(resamples x boxes).

    Args:
        ranked: The class's boxes.
        weights: How often each image counts.
    """
    counted = weights[:, ranked.image]
    right = np.cumsum(counted * ranked.right, axis=1)
    shown = np.cumsum(counted, axis=1)
    precision = np.divide(right, shown, out=np.zeros_like(right), where=shown > 0)
    precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    precision = np.column_stack([precision, np.zeros(len(weights))])
    targets = weights @ ranked.targets
    average = np.full(len(weights), np.nan)
    for row in np.flatnonzero(targets):
        average[row] = precision[row, np.searchsorted(right[row] / targets[row], RECALLS)].mean()
    return average


def mean_weighted_ap(
    classes: Sequence[RankedBoxes], weights: Float[np.ndarray, "resample image"]
) -> Float[np.ndarray, "resample"]:
    """Return the mean over the classes that have a target under the weights."""
    values = np.stack([weighted_ap(ranked, weights) for ranked in classes])
    shown = ~np.isnan(values)
    return np.where(shown, values, 0).sum(axis=0) / shown.sum(axis=0)
