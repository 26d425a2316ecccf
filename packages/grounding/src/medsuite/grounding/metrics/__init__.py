"""Measures of grounding: COCO AP, RoDeO, pointing game, and the blind prior that they have to beat."""

from medsuite.grounding.metrics.agreement import between_readers
from medsuite.grounding.metrics.blind import BlindPrior
from medsuite.grounding.metrics.cases import Case, cases_of
from medsuite.grounding.metrics.coco import CocoResult, coco_ap
from medsuite.grounding.metrics.intervals import ap_interval, found_interval, pointing_interval, rodeo_interval
from medsuite.grounding.metrics.pointing import found, pointing_hits
from medsuite.grounding.metrics.rodeo import RodeoResult, rodeo

__all__ = [
    "BlindPrior",
    "Case",
    "CocoResult",
    "RodeoResult",
    "ap_interval",
    "between_readers",
    "cases_of",
    "coco_ap",
    "found",
    "found_interval",
    "pointing_hits",
    "pointing_interval",
    "rodeo",
    "rodeo_interval",
]
