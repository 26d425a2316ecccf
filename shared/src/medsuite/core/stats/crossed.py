"""The bootstrap of two crossed factors: the same units under every seed."""

import numpy as np
from jaxtyping import Float, Shaped

from medsuite.core.errors import InputError
from medsuite.core.stats.checks import confidence_level, numbers
from medsuite.core.stats.limits import percentile_limits
from medsuite.core.stats.resampling import Statistic, batch_sizes, ratio, resample_weights
from medsuite.core.stats.results import Interval


def bootstrap_crossed(
    statistic: Statistic,
    sufficient: Shaped[np.ndarray, "seed unit column"],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 9999,
) -> Interval:
    """Resample seeds and units, each on its own; a cell weighs the product of both counts (Owen 2007).

    For a mean with variances σ²ₛ of s seeds, σ²ᵤ of n units and σ² of the cells, the bootstrap variance is about
    σ²ₛ (s - 1)/s² + σ²ᵤ/n + 3σ²/(sn): too narrow in the seeds when there are few (take `student_interval` of the seed
    means beside it), and never too narrow in the units. If each seed has units of its own, the seed is the cluster:
    `bootstrap_clusters`. O(resamples x seeds x units x columns).

    Args:
        statistic: Takes sums, one row per resample, and returns one number per row.
        sufficient: Sufficient statistics of each cell; a cell that was not measured is zero in every column.
        rng: Source of randomness.
        level: Confidence level of the percentile interval.
        resamples: Number of resamples.

    Raises:
        InputError: Fewer than two seeds or units, a value that is not finite, or a statistic undefined on a resample.
    """
    seeds, units, _ = sufficient.shape
    if min(seeds, units) < 2:
        raise InputError(f"{seeds} seeds and {units} units", expected="at least 2 of each")
    cells = numbers(sufficient, "sufficient")
    draws = [
        statistic(_weighted_sums(cells, resample_weights(seeds, size, rng=rng), resample_weights(units, size, rng=rng)))
        for size in batch_sizes(resamples, units)
    ]
    estimate = float(statistic(cells.sum(axis=(0, 1))[None])[0])
    low, high = percentile_limits(np.concatenate(draws), confidence_level(level))
    return Interval(estimate, low, high, level, units, f"percentile bootstrap of units and {seeds} seeds")


def bootstrap_crossed_mean(
    values: Shaped[np.ndarray, "seed unit"],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 9999,
) -> Interval:
    """Bootstrap the mean over measured cells of a `Grid`'s values, resampling seeds and units.

    Args:
        values: One number per seed and unit; NaN where it was not measured.
        rng: Source of randomness.
        level: Confidence level of the percentile interval.
        resamples: Number of resamples.

    Raises:
        InputError: Fewer than two seeds or units, an infinite value, or so few cells that a resample has none.
    """
    measured = ~np.isnan(values)
    sufficient = np.stack([np.where(measured, values, 0), measured], axis=-1)
    return bootstrap_crossed(ratio, sufficient, rng=rng, level=level, resamples=resamples)


def _weighted_sums(
    cells: Float[np.ndarray, "seed unit column"],
    of_seeds: Float[np.ndarray, "resample seed"],
    of_units: Float[np.ndarray, "resample unit"],
) -> Float[np.ndarray, "resample column"]:
    per_seed = np.tensordot(of_units, cells, axes=(1, 1))
    return np.einsum("rs,rsc->rc", of_seeds, per_seed)
