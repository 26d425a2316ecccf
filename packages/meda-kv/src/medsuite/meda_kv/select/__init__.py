"""Selectors: which slots of a layer are kept."""

from medsuite.meda_kv.select.base import LayerView, Selector
from medsuite.meda_kv.select.cake import MeanVariance
from medsuite.meda_kv.select.fastv import FastV
from medsuite.meda_kv.select.h2o import H2O
from medsuite.meda_kv.select.keydiff import KeyDiff
from medsuite.meda_kv.select.knorm import KeyNorm
from medsuite.meda_kv.select.pages import Pages
from medsuite.meda_kv.select.postvision import PostVision
from medsuite.meda_kv.select.random import Random
from medsuite.meda_kv.select.snapkv import SnapKV
from medsuite.meda_kv.select.streaming import Streaming
from medsuite.meda_kv.select.textprior import TextPrior
from medsuite.meda_kv.select.tova import TOVA

SELECTORS: dict[str, type[Selector]] = {
    "streaming": Streaming,
    "h2o": H2O,
    "snapkv": SnapKV,
    "tova": TOVA,
    "mean_variance": MeanVariance,
    "post_vision": PostVision,
    "fastv": FastV,
    "knorm": KeyNorm,
    "keydiff": KeyDiff,
    "random": Random,
    "text_prior": TextPrior,
    "pages": Pages,
}
"""Every selector by the name that the command line and the report use; each has defaults for all its fields."""

__all__ = [
    "H2O",
    "SELECTORS",
    "TOVA",
    "FastV",
    "KeyDiff",
    "KeyNorm",
    "LayerView",
    "MeanVariance",
    "Pages",
    "PostVision",
    "Random",
    "Selector",
    "SnapKV",
    "Streaming",
    "TextPrior",
]
