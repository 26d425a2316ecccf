"""A page as a reader sees it: words with the quadrilaterals in which they stand."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, UInt8

from medsuite.bench.finance.draw.canvas import DrawnText


@dataclass(frozen=True)
class Word:
    """One string of a page and its corners: top left, top right, bottom right, bottom left, as (x, y)."""

    text: str
    corners: Float[np.ndarray, "4 2"]

    @cached_property
    def centre(self) -> tuple[float, float]:
        """Mean of the corners."""
        x, y = self.corners.mean(0)
        return float(x), float(y)

    @property
    def left(self) -> float:
        """Middle of the left side in x."""
        return float(self.corners[[0, 3], 0].mean())

    @property
    def right(self) -> float:
        """Middle of the right side in x."""
        return float(self.corners[[1, 2], 0].mean())

    @property
    def height(self) -> float:
        """Mean length of the left and right sides."""
        return float(np.linalg.norm(self.corners[[3, 2]] - self.corners[[0, 1]], axis=1).mean())


@dataclass(frozen=True)
class Page:
    """The words of a picture and its pixels."""

    words: tuple[Word, ...]
    picture: UInt8[np.ndarray, "height width 3"]

    @property
    def right(self) -> float:
        """Largest right end of a word, 0 on an empty page."""
        return max((word.right for word in self.words), default=0.0)

    @property
    def left(self) -> float:
        """Smallest left end of a word, 0 on an empty page."""
        return min((word.left for word in self.words), default=0.0)


def normalise(text: str) -> str:
    """Unify full-width and half-width forms, and strip."""
    return unicodedata.normalize("NFKC", text).strip()


def page_from_drawing(texts: Iterable[DrawnText], picture: UInt8[np.ndarray, "height width 3"]) -> Page:
    """Build the page that a perfect reader would report."""
    words = []
    for drawn in texts:
        left, top, right, bottom = drawn.box
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=float)
        words.append(Word(normalise(drawn.text), corners))
    return Page(tuple(words), picture)
