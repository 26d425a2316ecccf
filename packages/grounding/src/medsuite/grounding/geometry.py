"""Geometry that carries every transform: a 3 x 3 matrix from original pixels to those the model sees, and back.

Pixel edges are integers: the first pixel spans 0 to 1, and an image of width W spans 0 to W at any resolution.
"""

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError

Matrix = Float[np.ndarray, "3 3"]
Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where the pixels of a transformed image come from.

    Attributes:
        matrix: Takes (x, y, 1) of the original to the model's image.
        original: Width and height of the original image.
        size: Width and height of the model's image.
    """

    matrix: Matrix
    original: Size
    size: Size

    @classmethod
    def of(cls, width: int, height: int) -> "Geometry":
        """Begin with an untouched image.

        Raises:
            InputError: A side without pixels.
        """
        if width < 1 or height < 1:
            raise InputError(f"image size {width} x {height}", expected="at least one pixel along each side")
        return cls(np.eye(3), (width, height), (width, height))

    def resized(self, width: int, height: int) -> "Geometry":
        """Scale the image to a new size; the sides may scale differently."""
        return self._then([[width / self.size[0], 0, 0], [0, height / self.size[1], 0], [0, 0, 1]], (width, height))

    def cropped(self, left: int, top: int, width: int, height: int) -> "Geometry":
        """Keep a window of the image; edges outside the image pad it."""
        return self._then([[1, 0, -left], [0, 1, -top], [0, 0, 1]], (width, height))

    def padded(self, left: int, top: int, right: int, bottom: int) -> "Geometry":
        """Add a margin."""
        width, height = self.size
        return self.cropped(-left, -top, width + left + right, height + top + bottom)

    def flipped(self) -> "Geometry":
        """Mirror left and right; a text that names a side has to be mirrored too, see `mirrored_text`."""
        return self._then([[-1, 0, self.size[0]], [0, 1, 0], [0, 0, 1]], self.size)

    def turned(self, quarters: int) -> "Geometry":
        """Turn by quarter turns counter-clockwise, as `numpy.rot90` does."""
        result = self
        for _ in range(quarters % 4):
            width, height = result.size
            result = result._then([[0, 1, 0], [-1, 0, width], [0, 0, 1]], (height, width))
        return result

    def to_model(self, boxes: Float[np.ndarray, "box 4"]) -> Float[np.ndarray, "box 4"]:
        """Take boxes from original pixels to the model's image; no clipping."""
        return _apply(self.matrix, boxes)

    def to_original(self, boxes: Float[np.ndarray, "box 4"]) -> Float[np.ndarray, "box 4"]:
        """Take boxes from the model's image to original pixels; no clipping."""
        return _apply(np.linalg.inv(self.matrix), boxes)

    def _then(self, step: list[list[float]], size: Size) -> "Geometry":
        if min(size) < 1:
            raise InputError(f"transformed size {size[0]} x {size[1]}", expected="at least one pixel along each side")
        return Geometry(np.array(step, dtype=float) @ self.matrix, self.original, size)


def mirrored_text(text: str) -> str:
    """Exchange the words left and right, in lower case, capitals or capitalised, for a mirrored image."""
    swap = {"left": "right", "right": "left"}
    swap |= {change(one): change(other) for one, other in swap.items() for change in (str.capitalize, str.upper)}
    return re.sub(rf"\b(?:{'|'.join(swap)})\b", lambda word: swap[word.group()], text)


def _apply(matrix: Matrix, boxes: Float[np.ndarray, "box 4"]) -> Float[np.ndarray, "box 4"]:
    """Map two opposite corners: exact for the axis-aligned transforms above."""
    corners = boxes.reshape(-1, 2, 2) @ matrix[:2, :2].T + matrix[:2, 2]
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
