"""CAKE's allocation: by how spread out and how changing a layer's attention is."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.meda_kv.allocate.base import Allocator, LayerTable
from medsuite.meda_kv.observe.view import LayerView


@dataclass(frozen=True)
class Preference(Allocator):
    """CAKE (arXiv 2503.12491): slots in proportion to `P = H ** (1 / tau_1) * V ** (1 / tau_2)`.

    With `A` the attention of the window's queries on the slots before it, summed over heads, `H` is its spatial
    dispersion `-sum A ln A` and `V` the sum over slots of its variance from query to query.

    Attributes:
        queries: Length of the window in tokens.
        spatial: The temperature `tau_1`; larger makes dispersion count less.
        temporal: The temperature `tau_2`; larger makes change count less.
    """

    queries: int = 32
    spatial: float = 1.0
    temporal: float = 1.0

    def __post_init__(self) -> None:
        if self.queries < 2 or not self.spatial > 0 or not self.temporal > 0:
            raise InputError(
                f"Preference(queries={self.queries}, spatial={self.spatial}, temporal={self.temporal})",
                expected="queries >= 2 and positive temperatures",
            )

    @property
    def window(self) -> int:
        """Length of the observation window."""
        return self.queries

    def measure(self, layer: LayerView) -> Float[Tensor, " batch"]:
        """The preference `P` of the layer; 0 when nothing lies before the window."""
        window = layer.window(self.queries)
        before = window.before.double()
        entropy = torch.special.entr(before).sum((1, 2, 4))
        dispersion = (entropy * window.rows).sum(1)
        change = window.variance().double()[..., : before.shape[-1]].sum((1, 2, 3))
        return dispersion ** (1 / self.spatial) * change ** (1 / self.temporal)

    def weights(self, table: LayerTable) -> Float[np.ndarray, " layers"]:
        """The preferences."""
        return table.measure
