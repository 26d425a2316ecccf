"""Smaller multimodal KV caches for decoders in transformers: dynamic allocation, selection and merging (MEDA).

For example::

    from medsuite.meda_kv import compress, method

    with compress(model, method("meda", ratio=0.28)) as session:
        output = model.generate(**inputs, max_new_tokens=64)
    print(session.report)

Importing this module imports neither torch nor transformers; the names below do when they are first used.
"""

from typing import TYPE_CHECKING

from medsuite.core.lazy import lazy_names

if TYPE_CHECKING:
    from medsuite.meda_kv.allocate import (
        ALLOCATORS,
        Allocator,
        CrossModalEntropy,
        Density,
        FullRowEntropy,
        Late,
        MinimumSlots,
        Preference,
        Pyramid,
        ReleasedEntropy,
        ShuffledEntropy,
        Uniform,
    )
    from medsuite.meda_kv.budget import Budget
    from medsuite.meda_kv.cache import CompressedCache, index_bytes, storage_bytes
    from medsuite.meda_kv.context import Context, answer, load_context, prefill
    from medsuite.meda_kv.heads import AdaHeads, EqualHeads
    from medsuite.meda_kv.merge import MERGERS, AverageMerge, Drop, Merger, PivotMerge, WeightedMerge
    from medsuite.meda_kv.methods import METHODS, method
    from medsuite.meda_kv.observe.sampling import Exact, Sampled
    from medsuite.meda_kv.prompt import Prompt, follow, observing, read
    from medsuite.meda_kv.quantise import AsComputed, EightBits
    from medsuite.meda_kv.recipe import Protect, Recipe
    from medsuite.meda_kv.report import Report
    from medsuite.meda_kv.select import (
        H2O,
        SELECTORS,
        TOVA,
        FastV,
        KeyDiff,
        KeyNorm,
        LayerView,
        MeanVariance,
        Pages,
        PostVision,
        Random,
        Selector,
        SnapKV,
        Streaming,
        TextPrior,
    )
    from medsuite.meda_kv.session import Session, compress

_HOMES = {
    "allocate": (
        "ALLOCATORS Allocator CrossModalEntropy Density FullRowEntropy Late MinimumSlots Preference Pyramid "
        "ReleasedEntropy ShuffledEntropy Uniform"
    ),
    "budget": "Budget",
    "cache": "CompressedCache index_bytes storage_bytes",
    "context": "Context answer load_context prefill",
    "heads": "AdaHeads EqualHeads",
    "merge": "MERGERS AverageMerge Drop Merger PivotMerge WeightedMerge",
    "methods": "METHODS method",
    "observe.sampling": "Exact Sampled",
    "prompt": "Prompt follow observing read",
    "quantise": "AsComputed EightBits",
    "recipe": "Protect Recipe",
    "report": "Report",
    "select": (
        "H2O SELECTORS TOVA FastV KeyDiff KeyNorm LayerView MeanVariance Pages PostVision Random Selector SnapKV "
        "Streaming TextPrior"
    ),
    "session": "Session compress",
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "ALLOCATORS",
    "H2O",
    "MERGERS",
    "METHODS",
    "SELECTORS",
    "TOVA",
    "AdaHeads",
    "Allocator",
    "AsComputed",
    "AverageMerge",
    "Budget",
    "CompressedCache",
    "Context",
    "CrossModalEntropy",
    "Density",
    "Drop",
    "EightBits",
    "EqualHeads",
    "Exact",
    "FastV",
    "FullRowEntropy",
    "KeyDiff",
    "KeyNorm",
    "Late",
    "LayerView",
    "MeanVariance",
    "Merger",
    "MinimumSlots",
    "Pages",
    "PivotMerge",
    "PostVision",
    "Preference",
    "Prompt",
    "Protect",
    "Pyramid",
    "Random",
    "Recipe",
    "ReleasedEntropy",
    "Report",
    "Sampled",
    "Selector",
    "Session",
    "ShuffledEntropy",
    "SnapKV",
    "Streaming",
    "TextPrior",
    "Uniform",
    "WeightedMerge",
    "answer",
    "compress",
    "follow",
    "index_bytes",
    "load_context",
    "method",
    "observing",
    "prefill",
    "read",
    "storage_bytes",
]

__getattr__, __dir__ = lazy_names(__name__, _MODULE_OF)
