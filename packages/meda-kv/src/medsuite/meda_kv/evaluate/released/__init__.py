"""Readers of released benchmarks, each in its own layout."""

from collections.abc import Callable, Iterator

from medsuite.meda_kv.evaluate.released.longbench import longbench
from medsuite.meda_kv.evaluate.released.milebench import milebench
from medsuite.meda_kv.evaluate.released.ruler import ruler
from medsuite.meda_kv.evaluate.released.sample import Sample, Source
from medsuite.meda_kv.evaluate.released.videomme import videomme

RELEASED: dict[str, Callable[[Source], Iterator[Sample]]] = {
    "longbench": longbench,
    "ruler": ruler,
    "milebench": milebench,
    "videomme": videomme,
}
"""Readers by the name of the task."""

__all__ = ["RELEASED", "Sample", "Source", "longbench", "milebench", "ruler", "videomme"]
