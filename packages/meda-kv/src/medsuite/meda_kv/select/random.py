"""Slots by chance: the floor of every comparison."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from medsuite.meda_kv.select.base import LayerView, Selector


@dataclass(frozen=True)
class Random(Selector):
    """Seeded random scores, different in every layer and head.

    Attributes:
        seed: Seed of the first layer; the others follow.
    """

    seed: int = 0

    def scores(self, layer: LayerView) -> Float[Tensor, "batch kv_heads slots"]:
        """Uniform numbers, the same on every device."""
        generator = torch.Generator().manual_seed(self.seed + layer.index)
        return torch.rand(layer.keys.shape[:3], generator=generator).to(layer.keys.device)
