"""Everything in the first layers, the rest of the budget shared equally."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError
from medsuite.meda_kv.allocate.base import Allocator, LayerTable

FIRST_COME = 1e6
"""Weight of the first layers: they are filled before the others get anything beyond what is protected."""


@dataclass(frozen=True)
class Late(Allocator):
    """FastV's shares (arXiv 2403.06764): the first layers keep their whole prompt, the later ones equal parts.

    When the budget is too small for that, the first layers get what there is and the others what is protected.

    Attributes:
        layers: How many first layers are left whole.
    """

    layers: int = 2

    def __post_init__(self) -> None:
        if self.layers < 0:
            raise InputError(f"Late(layers={self.layers})", expected="0 or more")

    def weights(self, table: LayerTable) -> Float[np.ndarray, " layers"]:
        """Ones behind the first layers."""
        return np.where(np.arange(len(table.measure)) < self.layers, FIRST_COME, 1.0)
