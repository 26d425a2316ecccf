"""Evicted slots count by how similar their keys are."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from medsuite.meda_kv.merge.nearest import NearestMerger


@dataclass(frozen=True)
class WeightedMerge(NearestMerger):
    """LOOK-M's "weighted" merge (arXiv 2406.18139): `(x + sum_j cos_j e_j) / (1 + m)`.

    The factors do not sum to one: rows that take over dissimilar slots shrink, as in the released code.
    """

    def shares(self, cosine: Float[Tensor, "batch kv_heads slots"]) -> tuple[Tensor, Tensor]:
        """The cosine of each evicted row."""
        return cosine, torch.zeros_like(cosine)
