"""Selectors: which slots of a layer are kept."""

from medsuite.meda_kv.select.base import LayerView, Selector
from medsuite.meda_kv.select.h2o import H2O
from medsuite.meda_kv.select.knorm import KeyNorm
from medsuite.meda_kv.select.random import Random
from medsuite.meda_kv.select.snapkv import SnapKV
from medsuite.meda_kv.select.streaming import Streaming
from medsuite.meda_kv.select.textprior import TextPrior

SELECTORS: dict[str, type[Selector]] = {
    "streaming": Streaming,
    "h2o": H2O,
    "snapkv": SnapKV,
    "knorm": KeyNorm,
    "random": Random,
    "text_prior": TextPrior,
}
"""Every selector by the name that the command line and the report use; each has defaults for all its fields."""

__all__ = ["H2O", "SELECTORS", "KeyNorm", "LayerView", "Random", "Selector", "SnapKV", "Streaming", "TextPrior"]
