"""Published methods as recipes, by name."""

from collections.abc import Callable
from dataclasses import replace

from medsuite.core.errors import InputError, unknown_name
from medsuite.meda_kv.allocate import (
    CrossModalEntropy,
    Density,
    Late,
    MinimumSlots,
    Preference,
    Pyramid,
    ReleasedEntropy,
    Uniform,
)
from medsuite.meda_kv.budget import Budget
from medsuite.meda_kv.heads import AdaHeads
from medsuite.meda_kv.merge import AverageMerge, PivotMerge
from medsuite.meda_kv.observe.sampling import Exact, Sampled
from medsuite.meda_kv.recipe import Protect, Recipe
from medsuite.meda_kv.select import (
    H2O,
    TOVA,
    FastV,
    KeyDiff,
    KeyNorm,
    MeanVariance,
    PostVision,
    Random,
    SnapKV,
    Streaming,
    TextPrior,
)

METHODS: dict[str, Callable[[Budget], Recipe]] = {
    "streaming_llm": lambda budget: Recipe(budget, Uniform(), Streaming()),
    "h2o": lambda budget: Recipe(budget, Uniform(), H2O()),
    "snapkv": lambda budget: Recipe(budget, Uniform(), SnapKV()),
    "tova": lambda budget: Recipe(budget, Uniform(), TOVA(), protect=Protect(sinks=0)),
    "adakv": lambda budget: Recipe(budget, Uniform(), SnapKV(), heads=AdaHeads()),
    "pyramidkv": lambda budget: Recipe(budget, Pyramid(), SnapKV()),
    "cake": lambda budget: Recipe(budget, Preference(), MeanVariance()),
    "zigzagkv": lambda budget: Recipe(budget, MinimumSlots(), SnapKV()),
    "vl_cache": lambda budget: Recipe(budget, Density(), PostVision()),
    "fastv": lambda budget: Recipe(budget, Late(), FastV()),
    "look_m": lambda budget: Recipe(budget, Uniform(), TextPrior(H2O()), PivotMerge(keys=True)),
    "knorm": lambda budget: Recipe(budget, Uniform(), KeyNorm()),
    "keydiff": lambda budget: Recipe(budget, Uniform(), KeyDiff()),
    "random": lambda budget: Recipe(budget, Uniform(), Random()),
    "meda": lambda budget: Recipe(budget, CrossModalEntropy(), TextPrior(H2O()), AverageMerge()),
    "meda_released": lambda budget: Recipe(
        budget, ReleasedEntropy(), TextPrior(H2O()), AverageMerge(keys=True), Protect(sinks=0)
    ),
    "meda_snapkv": lambda budget: Recipe(budget, CrossModalEntropy(), SnapKV()),
}
"""Each method's recipe for a budget. `meda` follows the paper, `meda_released` the allocation of its released code."""


def method(
    name: str,
    *,
    ratio: float | None = None,
    tokens: int | None = None,
    total_tokens: int | None = None,
    bytes: int | None = None,  # noqa: A002 - the name of the budget's form
    exact: bool | None = None,
    queries: int = 128,
) -> Recipe:
    """Return a published method with a budget.

    Args:
        name: One of `METHODS`.
        ratio: Kept share of the prompt's slots.
        tokens: Or slots per layer.
        total_tokens: Or slots of all layers.
        bytes: Or bytes of all layers for one sequence.
        exact: Whether all query rows are observed, or a sample, with a stated error; as `Recipe` chooses when left out.
        queries: Size of that sample.

    Raises:
        InputError: The name is unknown, or the budget is not given in exactly one form.
    """
    if name == "full":
        raise InputError("method 'full' keeps everything", fix="call generate() without compress()")
    if name not in METHODS:
        raise unknown_name("method", name, METHODS)
    recipe = METHODS[name](Budget(ratio, tokens, total_tokens, bytes))
    if exact is None:
        return recipe
    return replace(recipe, rows=Exact() if exact else Sampled(queries))
