"""Slots to which the very last query attends."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from medsuite.meda_kv.select.base import LayerView, Selector


@dataclass(frozen=True)
class TOVA(Selector):
    """TOVA (arXiv 2401.06104): attention of the last query, mean over all heads, so that all keep the same slots."""

    @property
    def window(self) -> int:
        """One query, whose own slot is always kept."""
        return 1

    def scores(self, layer: LayerView) -> Float[Tensor, "batch kv_heads slots"]:
        """The same for every key head."""
        last = layer.window(1).mean().mean((1, 2))
        return last[:, None].expand(layer.keys.shape[:3])
