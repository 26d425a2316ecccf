"""Intervals by resampling images: whole images are drawn, so that boxes of one image stay together."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from medsuite.core.stats import Interval, bootstrap_sums
from medsuite.grounding.metrics.cases import Case
from medsuite.grounding.metrics.pointing import Counts, found, pointing_hits
from medsuite.grounding.metrics.rodeo import parts_of, sufficient

RESAMPLES = 1000


def rodeo_interval(cases: Sequence[Case], classes: int, rng: np.random.Generator) -> Interval:
    """Bootstrap RoDeO's total over images; matching is done once, and only its sums are drawn anew.

    Args:
        cases: Images with their boxes.
        classes: Number of classes.
        rng: Source of randomness.

    Raises:
        InputError: Fewer than two images.
    """

    def total(sums: Float[np.ndarray, "resample column"]) -> Float[np.ndarray, "resample"]:
        return parts_of(sums, classes)[:, 3]

    return bootstrap_sums(total, sufficient(cases, classes), rng=rng, resamples=RESAMPLES)


def pointing_interval(cases: Sequence[Case], rng: np.random.Generator) -> Interval:
    """Bootstrap the share of queries won in the pointing game; see `rodeo_interval`."""
    return _share(pointing_hits(cases), rng)


def found_interval(cases: Sequence[Case], rng: np.random.Generator, *, iou: float = 0.5) -> Interval:
    """Bootstrap the share of queries whose best box reaches an IoU; see `rodeo_interval`."""
    return _share(found(cases, iou=iou), rng)


def _share(counts: Counts, rng: np.random.Generator) -> Interval:
    # An image without a query carries no information on the share, and a resample of such images alone has none.
    asked = counts[counts[:, 1] > 0]
    return bootstrap_sums(lambda sums: sums[:, 0] / sums[:, 1], asked, rng=rng, resamples=RESAMPLES)
