"""Allocators: how the slots of a prompt are shared among the layers."""

from medsuite.meda_kv.allocate.base import Allocator, LayerTable
from medsuite.meda_kv.allocate.entropy import CrossModalEntropy, FullRowEntropy, ReleasedEntropy, ShuffledEntropy
from medsuite.meda_kv.allocate.pyramid import Pyramid
from medsuite.meda_kv.allocate.uniform import Uniform

ALLOCATORS: dict[str, type[Allocator]] = {
    "uniform": Uniform,
    "pyramid": Pyramid,
    "cross_modal": CrossModalEntropy,
    "full_row": FullRowEntropy,
    "released": ReleasedEntropy,
    "shuffled": ShuffledEntropy,
}
"""Every allocator by the name that the command line and the report use; each has defaults for all its fields."""

__all__ = [
    "ALLOCATORS",
    "Allocator",
    "CrossModalEntropy",
    "FullRowEntropy",
    "LayerTable",
    "Pyramid",
    "ReleasedEntropy",
    "ShuffledEntropy",
    "Uniform",
]
