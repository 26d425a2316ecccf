"""Linearly fewer slots from the first layer to the last."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError
from medsuite.meda_kv.allocate.base import Allocator, LayerTable


@dataclass(frozen=True)
class Pyramid(Allocator):
    """PyramidKV (arXiv 2406.02069): with mean budget C the last layer keeps `C / beta`, the first `2C - C / beta`.

    Attributes:
        beta: How many times less than the mean the last layer keeps.
    """

    beta: float = 20.0

    def __post_init__(self) -> None:
        if not self.beta >= 1:
            raise InputError(f"Pyramid(beta={self.beta})", expected="at least 1")

    def weights(self, table: LayerTable) -> Float[np.ndarray, " layers"]:
        """A line from `2 - 1/beta` down to `1/beta`."""
        return np.linspace(2 - 1 / self.beta, 1 / self.beta, len(table.entropy))
