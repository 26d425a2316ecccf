"""The arms of the claims: which recipes are compared, on which model."""

from functools import cache
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError
from medsuite.core.models import load
from medsuite.core.models.folders import read_config
from medsuite.core.models.sources import find_source
from medsuite.meda_kv.allocate import CrossModalEntropy, Pyramid, ShuffledEntropy, Uniform
from medsuite.meda_kv.budget import Budget
from medsuite.meda_kv.evaluate.prompting import Opened
from medsuite.meda_kv.merge import AverageMerge, Drop
from medsuite.meda_kv.observe.sampling import Exact
from medsuite.meda_kv.recipe import Recipe
from medsuite.meda_kv.select import H2O, Random, Selector, SnapKV, TextPrior

TEXT_WINDOW = SnapKV(queries=16)
"""Selector of the allocation claim on text."""
PICTURE_WINDOW = SnapKV(queries=8, kernel=1)
"""Selector of the same on pictures: its window is the question, and a patch's neighbours say nothing about it."""


def memory_arms(share: float, seed: int) -> dict[str, Recipe]:
    """MEDA as published, and what tells its parts apart, all at the same number of slots.

    Args:
        share: Kept share.
        seed: Seed of the shuffled and the random arm.
    """
    budget, select, merge = Budget(ratio=share), TextPrior(H2O()), AverageMerge()
    return {
        "meda": Recipe(budget, CrossModalEntropy(), select, merge),
        "uniform": Recipe(budget, Uniform(), select, merge),
        "shuffled": Recipe(budget, ShuffledEntropy(CrossModalEntropy(), seed), select, merge),
        "random": Recipe(budget, Uniform(), Random(seed), Drop()),
    }


def allocation_arms(share: float, seed: int, select: Selector = TEXT_WINDOW) -> dict[str, Recipe]:
    """One selector, four ways to share its slots among the layers.

    Args:
        share: Kept share.
        seed: Seed of the shuffled arm.
        select: The selector.
    """
    budget = Budget(ratio=share)
    allocators = {
        "entropy": CrossModalEntropy(),
        "uniform": Uniform(),
        "pyramid": Pyramid(),
        "shuffled": ShuffledEntropy(CrossModalEntropy(), seed),
    }
    return {name: Recipe(budget, allocator, select, rows=Exact()) for name, allocator in allocators.items()}


def picture_arms(share: float, seed: int) -> dict[str, Recipe]:
    """The same four ways for the hand-set LLaVA.

    Args:
        share: Kept share.
        seed: Seed of the shuffled arm.
    """
    return allocation_arms(share, seed, PICTURE_WINDOW)


@cache
def open_model(name: str, data: Path | None = None) -> Opened:
    """Open a model with its tokenizer or processor, once a process.

    Args:
        name: `"tiny"` for a Llama with random weights, `"constructed"` for the hand-set LLaVA, `"data"` for the folder
            that was given with `--data`, else a name that `medsuite.core.models.load` takes. Folders with a
            `vision_config` are opened with their processor.
        data: That folder.

    Raises:
        InputError: The scale needs a folder and none was given.
    """
    if name == "tiny":
        from medsuite.core.tiny import llama

        tiny = llama()
        return Opened(tiny.model, tiny.processor, name)
    if name == "constructed":
        from medsuite.meda_kv.constructed_vision import vision_retrieval_model

        built = vision_retrieval_model()
        return Opened(built.model, built.processor, name)
    if name == "data" and data is None:
        raise InputError("this scale runs on your own model", expected="--data with its folder")
    wanted = data if name == "data" and data is not None else name
    kind = "image-text" if "vision_config" in read_config(find_source(wanted).folder) else "causal-lm"
    loaded = load(wanted, kind)
    return Opened(loaded.model, loaded.processor, name)


def load_model(name: str, data: Path | None = None) -> tuple[Any, Any]:
    """Return model and tokenizer; see `open_model`."""
    opened = open_model(name, data)
    return opened.model, opened.tokenizer
