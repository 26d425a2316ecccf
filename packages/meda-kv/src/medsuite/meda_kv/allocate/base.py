"""What an allocator sees and returns."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from medsuite.meda_kv.budget import share_slots
from medsuite.meda_kv.observe.observer import Statistic
from medsuite.meda_kv.observe.view import LayerView


@dataclass(frozen=True)
class LayerTable:
    """One sequence's layers.

    Attributes:
        tokens: Prompt length.
        target: Slots of all layers together.
        lower: Fewest slots of each layer: what is protected.
        upper: Most slots of each layer: the prompt.
        measure: What the allocator measured of each layer, such as its attention entropy in nats.
    """

    tokens: int
    target: int
    lower: Int[np.ndarray, " layers"]
    upper: Int[np.ndarray, " layers"]
    measure: Float[np.ndarray, " layers"]


class Allocator(ABC):
    """Shares a prompt's slots among the layers."""

    @property
    def needs(self) -> frozenset[Statistic]:
        """Statistics of the prompt that the allocator reads."""
        return frozenset()

    @property
    def window(self) -> int:
        """How many of the prompt's last queries the allocator measures with."""
        return 0

    def measure(self, layer: LayerView) -> Float[Tensor, " batch"]:
        """Measure a layer, for each sequence; 0 where the allocator does not look at the prompt."""
        return layer.keys.new_zeros(len(layer.keys))

    @abstractmethod
    def weights(self, table: LayerTable) -> Float[np.ndarray, " layers"]:
        """Weight of each layer, in proportion to which the slots are shared."""

    def budgets(self, table: LayerTable) -> Int[np.ndarray, " layers"]:
        """Slots of each layer: in proportion to the weights, within bounds, with the sum exact to the slot."""
        return share_slots(self.weights(table), table.target, table.lower, table.upper)
