"""What an allocator sees and returns."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from medsuite.meda_kv.budget import share_slots
from medsuite.meda_kv.observe.observer import Statistic


@dataclass(frozen=True)
class LayerTable:
    """One sequence's layers.

    Attributes:
        tokens: Prompt length.
        target: Slots of all layers together.
        lower: Fewest slots of each layer: what is protected.
        upper: Most slots of each layer: the prompt.
        entropy: Mean attention entropy of each layer in nats; zeros when the allocator does not ask for it.
    """

    tokens: int
    target: int
    lower: Int[np.ndarray, " layers"]
    upper: Int[np.ndarray, " layers"]
    entropy: Float[np.ndarray, " layers"]


class Allocator(ABC):
    """Shares a prompt's slots among the layers."""

    @property
    def needs(self) -> frozenset[Statistic]:
        """Statistics of the prompt that the allocator reads."""
        return frozenset()

    @abstractmethod
    def weights(self, table: LayerTable) -> Float[np.ndarray, " layers"]:
        """Weight of each layer, in proportion to which the slots are shared."""

    def budgets(self, table: LayerTable) -> Int[np.ndarray, " layers"]:
        """Slots of each layer: in proportion to the weights, within bounds, with the sum exact to the slot."""
        return share_slots(self.weights(table), table.target, table.lower, table.upper)
