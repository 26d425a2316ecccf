"""Mergers: what becomes of the slots that are not kept."""

from medsuite.meda_kv.merge.average import AverageMerge
from medsuite.meda_kv.merge.base import Kept, Merger
from medsuite.meda_kv.merge.none import Drop
from medsuite.meda_kv.merge.pivot import PivotMerge
from medsuite.meda_kv.merge.weighted import WeightedMerge

MERGERS: dict[str, type[Merger]] = {
    "none": Drop,
    "average": AverageMerge,
    "pivot": PivotMerge,
    "weighted": WeightedMerge,
}
"""Every merger by the name that the command line and the report use; each has defaults for all its fields."""

__all__ = ["MERGERS", "AverageMerge", "Drop", "Kept", "Merger", "PivotMerge", "WeightedMerge"]
