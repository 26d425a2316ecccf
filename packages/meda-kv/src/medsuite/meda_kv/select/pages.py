"""Whole pages of slots, as servers hold them."""

from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

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
        slots = scores.shape[-1]
        pages = pad(scores, (0, -slots % self.size), value=-torch.inf).unflatten(-1, (-1, self.size)).amax(-1)
        spread = pages.repeat_interleave(self.size, dim=-1)[:, :slots].masked_fill(~layer.valid, 0.0)
        return spread[:, None].expand(layer.keys.shape[:3])
