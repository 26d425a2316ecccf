"""Two per-query measures: does the best box point into a true one, and does it overlap one enough."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from medsuite.grounding.boxes import Boxes, iou_matrix
from medsuite.grounding.metrics.cases import Case

Counts = Float[np.ndarray, "image 2"]
Hit = Callable[[Boxes, Float[np.ndarray, "target 4"]], bool]


def pointing_hits(cases: Sequence[Case]) -> Counts:
    """Play the pointing game (Zhang et al. 2018): the centre of a class's best box has to lie in a true box of it.

    Returns:
        Hits and queries of each image; a query is a class that the image shows. No box is no hit.
    """
    return np.array([_count(case, _points_into) for case in cases], dtype=float).reshape(-1, 2)


def found(cases: Sequence[Case], *, iou: float = 0.5) -> Counts:
    """Count the classes of each image whose best box reaches an IoU with a true box of the class.

    Args:
        cases: Images with their boxes.
        iou: What counts as found.

    Returns:
        Hits and queries of each image.
    """

    def overlaps(box: Boxes, targets: Float[np.ndarray, "target 4"]) -> bool:
        return bool(iou_matrix(box, targets).max() >= iou)

    return np.array([_count(case, overlaps) for case in cases], dtype=float).reshape(-1, 2)


def _count(case: Case, hit: Hit) -> tuple[int, int]:
    asked = np.unique(case.target_classes)
    hits = 0
    for label in asked:
        mine = np.flatnonzero(case.classes == label)
        if len(mine):
            best = mine[case.scores[mine].argmax()]
            hits += hit(case.boxes[[best]], case.targets[case.target_classes == label])
    return hits, len(asked)


def _points_into(box: Boxes, targets: Float[np.ndarray, "target 4"]) -> bool:
    centre = (box[:, :2] + box[:, 2:]) / 2
    return bool(((centre >= targets[:, :2]) & (centre < targets[:, 2:])).all(axis=1).any())
