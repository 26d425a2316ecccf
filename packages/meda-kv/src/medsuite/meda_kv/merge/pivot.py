"""Evicted slots move half-way to the kept one before they are averaged into it."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from medsuite.meda_kv.merge.nearest import NearestMerger


@dataclass(frozen=True)
class PivotMerge(NearestMerger):
    """LOOK-M's "pivotal" merge (arXiv 2406.18139): `(x + sum_j (e_j + x) / 2) / (1 + m)`; the kept row weighs more."""

    def shares(self, cosine: Float[Tensor, "batch kv_heads slots"]) -> tuple[Tensor, Tensor]:
        """Half of each evicted row, half of the kept one."""
        half = torch.full_like(cosine, 0.5)
        return half, half
