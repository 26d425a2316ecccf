"""Boxes as arrays: xyxy, float64, in pixels of the original image, the far edges exclusive."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Shaped

from medsuite.core.errors import InputError

Boxes = Float[np.ndarray, "box 4"]


def as_boxes(values: object, *, where: str) -> Boxes:
    """Check boxes: four finite numbers each, the far edges beyond the near ones.

    Args:
        values: Anything that NumPy reads as rows of four numbers; an empty sequence is no box.
        where: What an error names: the file and row, or the image.

    Raises:
        InputError: Another shape, a number that is not finite, or a box without area.
    """
    try:
        boxes = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: boxes {values!r} are not numbers", expected="x1, y1, x2, y2") from error
    if boxes.size == 0:
        return np.zeros((0, 4))
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise InputError(f"{where}: boxes have the shape {boxes.shape}", expected="rows of x1, y1, x2, y2")
    for box in boxes:
        if not np.isfinite(box).all() or box[2] <= box[0] or box[3] <= box[1]:
            listed = ", ".join(f"{edge:g}" for edge in box)
            raise InputError(f"{where}: box ({listed}) has no area", expected="finite x1 < x2 and y1 < y2 (xyxy)")
    return boxes


LARGEST_UNIT = 1.5
"""Largest edge, over all boxes of a file, that is taken for a unit coordinate (0 to 1) rather than for pixels."""


def refuse_unit_boxes(boxes: Sequence[Float[np.ndarray, "_ 4"]], *, where: str) -> None:
    """Refuse a whole file of boxes in unit coordinates: as pixels they would all lie in the first one.

    Raises:
        InputError: No edge of any box lies beyond `LARGEST_UNIT`.
    """
    edges = np.concatenate([np.zeros((0, 4)), *boxes])
    if len(edges) and edges.max() <= LARGEST_UNIT:
        raise InputError(
            f"{where}: no edge of its {len(edges)} boxes lies beyond {edges.max():g}, as in unit coordinates",
            expected="xyxy in pixels of the original image",
            fix="multiply by width and height",
        )


def area(boxes: Float[np.ndarray, "*batch 4"]) -> Float[np.ndarray, "*batch"]:
    """Return width times height, zero for an inverted box."""
    return np.prod(np.maximum(boxes[..., 2:] - boxes[..., :2], 0), axis=-1)


def paired_iou(
    first: Float[np.ndarray, "*first 4"], second: Float[np.ndarray, "*second 4"]
) -> Float[np.ndarray, "*both"]:
    """Return |A ∩ B| / |A ∪ B| of boxes that belong together, zero where both are empty; the arrays broadcast."""
    near, far = np.maximum(first[..., :2], second[..., :2]), np.minimum(first[..., 2:], second[..., 2:])
    intersection = np.prod(np.maximum(far - near, 0), axis=-1)
    union = area(first) + area(second) - intersection
    return np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0)


def iou_matrix(
    first: Float[np.ndarray, "first 4"], second: Float[np.ndarray, "second 4"]
) -> Float[np.ndarray, "first second"]:
    """Return the IoU of each box with each other one."""
    return paired_iou(first[:, None], second[None])


def clip(boxes: Float[np.ndarray, "box 4"], size: Shaped[np.ndarray, "2"] | tuple[float, float]) -> Boxes:
    """Cut boxes at the edges of an image of size (width, height)."""
    return np.clip(boxes, 0, np.tile(np.asarray(size, dtype=float), 2))
