"""Fuse the boxes of several readers: weighted boxes fusion (Solovyev et al. 2021), with the readers as its models."""

import numpy as np
from jaxtyping import Float, Int

from medsuite.core.errors import InputError
from medsuite.grounding.data.record import Annotations, Record


def fuse_boxes(
    boxes: Float[np.ndarray, "box 4"], *, iou: float, weights: Float[np.ndarray, "box"] | None = None
) -> tuple[Float[np.ndarray, "cluster 4"], Int[np.ndarray, "box"]]:
    """Fuse the boxes of one finding.

    In descending order of weight, each box joins the cluster whose running mean it overlaps most, if that IoU exceeds
    the threshold, and else founds one; a cluster's box is the weighted mean of its members. O(boxes x clusters).

    Args:
        boxes: Boxes of all readers.
        iou: Threshold; RadVLM uses 0.1, the usual choice is 0.4 to 0.55.
        weights: Confidence of each box; equal when left out.

    Returns:
        The fused boxes, and the cluster that each given box went into.

    Raises:
        InputError: A threshold outside [0, 1), or a weight that is not positive.
    """
    if not 0 <= iou < 1:
        raise InputError(f"fusion at IoU {iou:g}", expected="a threshold of at least 0 and below 1")
    weights = np.ones(len(boxes)) if weights is None else weights
    if not (weights > 0).all():
        raise InputError(f"weights {weights.tolist()}", expected="a positive one for each box")
    order = np.argsort(-weights, kind="stable").tolist()
    rows, masses = boxes.tolist(), weights.tolist()
    fused: list[list[float]] = []
    total: list[float] = []
    cluster = np.zeros(len(boxes), dtype=int)
    for position in order:
        box, mass = rows[position], masses[position]
        overlaps = [_iou(other, box) for other in fused]
        best = max(range(len(fused)), key=overlaps.__getitem__, default=-1)
        if best < 0 or overlaps[best] <= iou:
            best = len(fused)
            fused.append([0.0] * 4)
            total.append(0.0)
        sums = zip(fused[best], box, strict=True)
        fused[best] = [(mean * total[best] + edge * mass) / (total[best] + mass) for mean, edge in sums]
        total[best] += mass
        cluster[position] = best
    return np.array(fused).reshape(-1, 4), cluster


def _iou(first: list[float], second: list[float]) -> float:
    # A finding of an image has a handful of boxes: plain numbers are ten times as fast as arrays of that size.
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return width * height / (sum(areas) - width * height)


def fuse_readers(annotations: Annotations, *, iou: float = 0.4) -> Annotations:
    """Fuse each finding of each image; `support` counts the different readers behind a fused box.

    Args:
        annotations: Boxes of single readers.
        iou: Threshold of `fuse_boxes`.
    """
    return Annotations(tuple(_fuse_record(record, iou) for record in annotations), annotations.dropped)


def _fuse_record(record: Record, iou: float) -> Record:
    labels: list[str] = []
    support: list[int] = []
    boxes = [np.zeros((0, 4))]
    for label in dict.fromkeys(record.labels):
        members = [position for position, name in enumerate(record.labels) if name == label]
        fused, cluster = fuse_boxes(record.boxes[members], iou=iou)
        readers = np.array([record.readers[position] for position in members])
        boxes.append(fused)
        labels += [label] * len(fused)
        support += [len(set(readers[cluster == number])) for number in range(len(fused))]
    return Record(record.image_id, tuple(labels), np.concatenate(boxes), ("",) * len(labels), tuple(support))
