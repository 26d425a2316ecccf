"""Allocators: how the slots of a prompt are shared among the layers."""

from medsuite.meda_kv.allocate.base import Allocator, LayerTable
from medsuite.meda_kv.allocate.cake import Preference
from medsuite.meda_kv.allocate.entropy import CrossModalEntropy, FullRowEntropy, ReleasedEntropy, ShuffledEntropy
from medsuite.meda_kv.allocate.late import Late
from medsuite.meda_kv.allocate.pyramid import Pyramid
from medsuite.meda_kv.allocate.uniform import Uniform
from medsuite.meda_kv.allocate.vlcache import Density
from medsuite.meda_kv.allocate.zigzag import MinimumSlots

ALLOCATORS: dict[str, type[Allocator]] = {
    "uniform": Uniform,
    "pyramid": Pyramid,
    "late": Late,
    "cross_modal": CrossModalEntropy,
    "full_row": FullRowEntropy,
    "released": ReleasedEntropy,
    "shuffled": ShuffledEntropy,
    "preference": Preference,
    "minimum_slots": MinimumSlots,
    "density": Density,
}
"""Every allocator by the name that the command line and the report use; each has defaults for all its fields."""

__all__ = [
    "ALLOCATORS",
    "Allocator",
    "CrossModalEntropy",
    "Density",
    "FullRowEntropy",
    "Late",
    "LayerTable",
    "MinimumSlots",
    "Preference",
    "Pyramid",
    "ReleasedEntropy",
    "ShuffledEntropy",
    "Uniform",
]
