"""VL-Cache's allocation: by how many slots the question attends to at all."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.meda_kv.allocate.base import Allocator, LayerTable
from medsuite.meda_kv.observe.view import LayerView


@dataclass(frozen=True)
class Density(Allocator):
    """VL-Cache (arXiv 2410.23317): slots in proportion to the density of the attention of the text behind the pictures.

    Density is the share of a row's visible entries that reach `threshold` of the row's maximum.

    Attributes:
        threshold: Share of the row's maximum.
        queries: How many of the prompt's last queries are looked at.
    """

    threshold: float = 0.01
    queries: int = 64

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1 or self.queries < 1:
            raise InputError(
                f"Density(threshold={self.threshold}, queries={self.queries})",
                expected="0 < threshold < 1 and queries >= 1",
            )

    @property
    def window(self) -> int:
        """Length of the observation window."""
        return self.queries

    def measure(self, layer: LayerView) -> Float[Tensor, " batch"]:
        """The density of the layer, mean over rows and query heads."""
        window = layer.behind_vision(self.queries)
        seen = window.visible[:, None, None]
        dense = (window.attention >= self.threshold * window.attention.amax(-1, keepdim=True)) & seen
        density = (dense.sum(-1) / seen.sum(-1).clamp_min(1)).double().mean((1, 2))
        return torch.einsum("bw,bw->b", density, window.rows.double()) / window.rows.sum(-1)

    def weights(self, table: LayerTable) -> Float[np.ndarray, " layers"]:
        """The densities."""
        return table.measure
