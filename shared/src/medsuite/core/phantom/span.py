"""Intervals of depth along the rays, and how much of them is air."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Span(NamedTuple):
    """The interval of y that a convex solid covers on each ray; empty where `front <= back`."""

    back: np.ndarray
    front: np.ndarray

    def length(self) -> np.ndarray:
        """Return the length in mm."""
        length = self.front - self.back
        return np.maximum(length, 0, out=length)

    def meet(self, other: "Span") -> "Span":
        """Return the intersection."""
        return Span(np.maximum(self.back, other.back), np.minimum(self.front, other.front))

    def take(self, index: np.ndarray) -> "Span":
        """Return the intervals of some rays, by flat index."""
        return Span(self.back.ravel()[index], self.front.ravel()[index])


def uncovered(span: Span, covers: Sequence[Span]) -> np.ndarray:
    r"""Return the length of a span outside the union of three others, by inclusion and exclusion.

    |S \ (A∪B∪C)| = |S| - |A| - |B| - |C| + |A∩B| + |A∩C| + |B∩C| - |A∩B∩C|, each met with S.
    """
    first, second, third = (span.meet(cover) for cover in covers)
    both = first.meet(second)
    covered = first.length() + second.length() + third.length() - both.length()
    covered -= first.meet(third).length() + second.meet(third).length() - both.meet(third).length()
    return span.length() - covered
