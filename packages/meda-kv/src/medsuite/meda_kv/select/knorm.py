"""Slots with short keys."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from medsuite.meda_kv.select.base import LayerView, Selector


@dataclass(frozen=True)
class KeyNorm(Selector):
    """Keys of small norm draw much attention (Devoto et al., arXiv 2406.11430): score `-||k||`."""

    def scores(self, layer: LayerView) -> Float[Tensor, "batch kv_heads slots"]:
        """The negative norm of each key."""
        return -layer.keys.norm(dim=-1)
