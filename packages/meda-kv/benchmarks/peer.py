"""kvpress 0.5.5 as the scripts here and the conformance tests use it; see `medsuite.meda_kv.evaluate.peer`."""

from medsuite.meda_kv.evaluate.peer import adapted

__all__ = ["adapted"]
