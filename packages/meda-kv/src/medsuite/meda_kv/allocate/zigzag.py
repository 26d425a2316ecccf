"""ZigZagKV's allocation: by how many slots a layer needs to hold most of its attention."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.meda_kv.allocate.base import Allocator, LayerTable
from medsuite.meda_kv.observe.view import LayerView


@dataclass(frozen=True)
class MinimumSlots(Allocator):
    """ZigZagKV (arXiv 2412.09036): a base for every layer, the rest by the layer's minimum budget for its attention.

    The minimum is the number of best slots that together hold `mass` of the window's mean attention, averaged over
    heads; the paper calls it LMBA.

    Attributes:
        mass: Share of the attention that is to be held.
        base: Share of the target that all layers get alike.
        queries: Length of the window in tokens.
    """

    mass: float = 0.9
    base: float = 0.5
    queries: int = 32

    def __post_init__(self) -> None:
        if not (0 < self.mass < 1 and 0 <= self.base <= 1 and self.queries >= 1):
            raise InputError(
                f"MinimumSlots(mass={self.mass}, base={self.base}, queries={self.queries})",
                expected="0 < mass < 1, 0 <= base <= 1 and queries >= 1",
            )

    @property
    def window(self) -> int:
        """Length of the observation window."""
        return self.queries

    def measure(self, layer: LayerView) -> Float[Tensor, " batch"]:
        """The minimum number of slots, mean over the query heads."""
        held = layer.window(self.queries).mean().double().sort(-1, descending=True).values.cumsum(-1)
        needed = (held < self.mass * held[..., -1:]).sum(-1) + 1
        return needed.double().mean((1, 2))

    def weights(self, table: LayerTable) -> Float[np.ndarray, " layers"]:
        """`base / L + (1 - base) * minimum / sum of minima`."""
        shares = table.measure / table.measure.sum()
        return self.base / len(shares) + (1 - self.base) * shares
