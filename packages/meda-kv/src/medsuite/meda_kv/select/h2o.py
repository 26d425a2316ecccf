"""Heavy hitters: slots to which all queries together gave most attention."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.meda_kv.observe.observer import Statistic
from medsuite.meda_kv.select.base import LayerView, Selector


@dataclass(frozen=True)
class H2O(Selector):
    """H2O (arXiv 2306.14048), as MEDA uses it: part of the budget is the most recent tokens, the rest heavy hitters.

    Attributes:
        recent_share: Part of a layer's budget that is kept for the most recent tokens.
    """

    recent_share: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.recent_share <= 1:
            raise InputError(f"H2O(recent_share={self.recent_share})", expected="0 to 1")

    @property
    def needs(self) -> frozenset[Statistic]:
        """Attention that each slot accumulated."""
        return frozenset({"accumulated attention"})

    def recent(self, budget: int) -> int:
        """The share of the budget, rounded down."""
        return int(self.recent_share * budget)

    def scores(self, layer: LayerView) -> Float[Tensor, "batch kv_heads slots"]:
        """Accumulated attention, mean over the query heads of a key head."""
        if layer.observed.mass is None:
            raise InputError(
                "no accumulated attention was observed", fix="prefill with a recipe whose selector needs it"
            )
        return layer.observed.mass
