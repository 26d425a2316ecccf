"""The same number of slots in every layer."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medsuite.meda_kv.allocate.base import Allocator, LayerTable


@dataclass(frozen=True)
class Uniform(Allocator):
    """Every layer keeps as many slots as the next; when the sum does not divide, earlier layers keep one more."""

    def weights(self, table: LayerTable) -> Float[np.ndarray, " layers"]:
        """Ones."""
        return np.ones(len(table.measure))
