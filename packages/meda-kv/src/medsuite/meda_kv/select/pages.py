"""Whole pages of slots, as servers hold them."""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.meda_kv.select.base import LayerView, Selector
from medsuite.meda_kv.select.snapkv import SnapKV
from medsuite.meda_kv.select.wrapping import Wrapping


@dataclass(frozen=True)
class Pages(Wrapping):
    """Keeps pages of consecutive slots whole, the same ones for all heads: what a server with a block table could free.

    A page counts as much as its best slot, averaged over heads. It shows what page granularity costs a method; the
    last page of a budget may be kept in part.

    Attributes:
        base: Selector that scores the slots.
        size: Slots of a page.
    """

    base: Selector = field(default_factory=SnapKV)
    size: int = 16

    def __post_init__(self) -> None:
        if self.size < 1:
            raise InputError(f"Pages(size={self.size})", expected="at least 1")

    def scores(self, layer: LayerView) -> Float[Tensor, "batch kv_heads slots"]:
        """The score of each slot's page."""
        scores = self.base.scores(layer).mean(1).masked_fill(~layer.valid, -torch.inf)
        # Pages are counted from a sequence's own first token: padding in front has none.
        page = (layer.valid.cumsum(-1) - 1).clamp_min(0) // self.size
        best = torch.full_like(scores, -torch.inf).scatter_reduce(1, page, scores, reduce="amax")
        spread = best.gather(1, page).masked_fill(~layer.valid, 0.0)
        return spread[:, None].expand(layer.keys.shape[:3])
