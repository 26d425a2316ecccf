"""The offset between columns and positions that vision-language models with rotary axes keep on themselves."""

from typing import Any

from torch import nn
from transformers.cache_utils import Cache

ROPE_DELTAS = "rope_deltas"
"""Attribute of such models: last position minus last column, of whichever prompt the model read last."""


def position_holders(model: nn.Module) -> list[Any]:
    """Find the modules of a model that keep such an offset; most models have none."""
    return [module for module in model.modules() if ROPE_DELTAS in vars(module)]


def remember_positions(holders: list[Any], cache: Cache) -> None:
    """Note on the cache the offset of the prompt that it holds."""
    for module in holders:
        setattr(cache, ROPE_DELTAS, module.rope_deltas)


def recall_positions(holders: list[Any], cache: Any) -> None:
    """Give the model back the offset of this cache's prompt, whatever was read since."""
    deltas = getattr(cache, ROPE_DELTAS, None)
    if deltas is not None:
        for module in holders:
            module.rope_deltas = deltas
