"""Slots to which the text behind the last picture attends."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.meda_kv.select.base import LayerView, Selector


@dataclass(frozen=True)
class PostVision(Selector):
    """VL-Cache's score (arXiv 2410.23317): attention of the text queries behind the last picture, the question.

    Attributes:
        queries: How many of the prompt's last queries are looked at; a longer question is cut to its end.
    """

    queries: int = 64

    def __post_init__(self) -> None:
        if self.queries < 1:
            raise InputError(f"PostVision(queries={self.queries})", expected="at least 1")

    @property
    def window(self) -> int:
        """Length of the observation window."""
        return self.queries

    def recent(self, budget: int) -> int:
        """A tenth of the budget, as VL-Cache keeps it."""
        return budget // 10

    def scores(self, layer: LayerView) -> Float[Tensor, "batch kv_heads slots"]:
        """Mean over those queries and over the query heads of a key head."""
        return layer.behind_vision(self.queries).mean().mean(2)
