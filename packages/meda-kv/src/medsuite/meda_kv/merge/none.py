"""Evicted slots are dropped."""

from dataclasses import dataclass

from jaxtyping import Bool, Float
from torch import Tensor

from medsuite.meda_kv.merge.base import Kept, Merger, gather
from medsuite.meda_kv.select.base import Choice


@dataclass(frozen=True)
class Drop(Merger):
    """Keep the chosen rows as they are."""

    def merge(
        self,
        keys: Float[Tensor, "batch kv_heads slots dim"],
        values: Float[Tensor, "batch kv_heads slots value_dim"],
        choice: Choice,
        valid: Bool[Tensor, "batch slots"],
    ) -> Kept:
        """Return copies of the chosen rows."""
        return Kept(gather(keys, choice.index), gather(values, choice.index))
