"""The most recent tokens, whatever attention says."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from medsuite.meda_kv.select.base import LayerView, Selector


@dataclass(frozen=True)
class Streaming(Selector):
    """StreamingLLM (arXiv 2309.17453): the first tokens, which the recipe protects as sinks, and the latest."""

    def scores(self, layer: LayerView) -> Float[Tensor, "batch kv_heads slots"]:
        """The slot's place in the prompt."""
        order = torch.arange(layer.keys.shape[2], device=layer.keys.device, dtype=torch.float32)
        return order.expand(layer.keys.shape[:3])
