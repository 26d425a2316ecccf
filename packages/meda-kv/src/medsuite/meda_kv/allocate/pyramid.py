"""Linearly fewer slots from the first layer to the last."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError
from medsuite.meda_kv.allocate.base import Allocator, LayerTable


@dataclass(frozen=True)
class Pyramid(Allocator):
    """PyramidKV (arXiv 2406.02069): with mean budget C the last layer keeps `C / beta`, the first `2C - C / beta`.

    As in its released code the first layer is capped at the prompt without the window, and the line then flattens so
    that its mean stays C. It also flattens when the last layer would keep less than what is protected, where the
    released code gives up the line.

    Attributes:
        beta: How many times less than the mean the last layer keeps.
    """

    beta: float = 20.0

    def __post_init__(self) -> None:
        if not self.beta >= 1:
            raise InputError(f"Pyramid(beta={self.beta})", expected="at least 1")

    def weights(self, table: LayerTable) -> Float[np.ndarray, " layers"]:
        """The line, in slots."""
        mean = table.target / len(table.measure)
        guarded = float(table.lower.max())
        first = min(2 * mean - mean / self.beta, max(table.tokens - guarded, mean))
        last = max(2 * mean - first, min(guarded, mean))
        return np.linspace(2 * mean - last, last, len(table.measure))
