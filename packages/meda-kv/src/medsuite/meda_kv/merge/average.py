"""A kept slot becomes the mean over itself and what is merged into it."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from medsuite.meda_kv.merge.nearest import NearestMerger


@dataclass(frozen=True)
class AverageMerge(NearestMerger):
    """MEDA's merge, LOOK-M's "averaged" (arXiv 2406.18139): `(x + sum_j e_j) / (1 + m)`."""

    def shares(self, cosine: Float[Tensor, "batch kv_heads slots"]) -> tuple[Tensor, Tensor]:
        """Each evicted row counts as much as the kept one."""
        return torch.ones_like(cosine), torch.zeros_like(cosine)
