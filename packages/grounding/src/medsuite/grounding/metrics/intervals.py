"""Intervals by resampling images: whole images are drawn, so that boxes of one image stay together."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from medsuite.core.stats import Interval, bootstrap_sums, bootstrap_weighted
from medsuite.grounding.metrics.average_precision import mean_weighted_ap, ranked_boxes
from medsuite.grounding.metrics.cases import Case
from medsuite.grounding.metrics.pointing import Counts, found, pointing_hits
from medsuite.grounding.metrics.rodeo import parts_of, sufficient

RESAMPLES = 1000
FEWEST = 2
"""Images that an interval needs."""

Statistic = Callable[[Float[np.ndarray, "resample column"]], Float[np.ndarray, "resample"]]


def ap_interval(cases: Sequence[Case], classes: int, rng: np.random.Generator, *, iou: float = 0.5) -> Interval:
    """Bootstrap COCO AP at one IoU, the mean over classes, over images; matching is done once.

    Images with and without a true box are drawn apart, so that every resample has something to find. A class that a
    resample does not show is left out of its mean.

    Args:
        cases: Images with their boxes and scores.
        classes: Number of classes.
        rng: Source of randomness.
        iou: Overlap that counts as found.
    """
    ranked = [ranked_boxes(cases, label, iou) for label in range(classes)]

    def ap(weights: Float[np.ndarray, "resample image"]) -> Float[np.ndarray, "resample"]:
        return mean_weighted_ap(ranked, weights)

    if len(cases) < FEWEST:
        return _without_limits(float(ap(np.ones((1, len(cases))))[0]), len(cases))
    shows = np.array([len(case.targets) > 0 for case in cases])
    return bootstrap_weighted(ap, len(cases), rng=rng, resamples=RESAMPLES, method="percentile", strata=shows)


def rodeo_interval(cases: Sequence[Case], classes: int, rng: np.random.Generator) -> Interval:
    """Bootstrap RoDeO's total over images; matching is done once, and only its sums are drawn anew.

    Args:
        cases: Images with their boxes.
        classes: Number of classes.
        rng: Source of randomness.

    """

    def total(sums: Float[np.ndarray, "resample column"]) -> Float[np.ndarray, "resample"]:
        return parts_of(sums, classes)[:, 3]

    return _bootstrap(total, sufficient(cases, classes), rng)


def pointing_interval(cases: Sequence[Case], rng: np.random.Generator) -> Interval:
    """Bootstrap the share of queries won in the pointing game; see `rodeo_interval`."""
    return _share(pointing_hits(cases), rng)


def found_interval(cases: Sequence[Case], rng: np.random.Generator, *, iou: float = 0.5) -> Interval:
    """Bootstrap the share of queries whose best box reaches an IoU; see `rodeo_interval`."""
    return _share(found(cases, iou=iou), rng)


def _share(counts: Counts, rng: np.random.Generator) -> Interval:
    # An image without a query carries no information on the share, and a resample of such images alone has none.
    asked = counts[counts[:, 1] > 0]
    return _bootstrap(lambda sums: sums[:, 0] / sums[:, 1], asked, rng)


def _bootstrap(statistic: Statistic, sums: Float[np.ndarray, "image column"], rng: np.random.Generator) -> Interval:
    if len(sums) < FEWEST:
        return _without_limits(float(statistic(sums.sum(axis=0, keepdims=True))[0]), len(sums))
    return bootstrap_sums(statistic, sums, rng=rng, resamples=RESAMPLES)


def _without_limits(estimate: float, images: int) -> Interval:
    return Interval(estimate, math.nan, math.nan, 0.95, images, f"{images} image gives no interval")
