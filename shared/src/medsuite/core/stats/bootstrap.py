"""Bootstrap intervals: of any statistic, of statistics of sums, of weighted statistics, with clusters and seeds.

Which one to take:

- a mean over independent units: `bootstrap_mean`; of the difference of two arms: of the differences per unit;
- a statistic of sums over units, such as F1 of counts: `bootstrap_sums`, the fastest for anything but a mean;
- a statistic that takes weights, such as `weighted_auroc`: `bootstrap_weighted`;
- rows that come in clusters, such as several stays of a patient: `bootstrap_clusters`;
- every unit measured under every seed: `bootstrap_crossed`;
- anything else, such as a median: `bootstrap`, which is SciPy's.
"""

import warnings
from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Shaped

from medsuite.core.errors import InputError
from medsuite.core.stats.checks import confidence_level, numbers, same_length, sample
from medsuite.core.stats.limits import (
    BootstrapMethod,
    bca_limits,
    method_label,
    percentile_limits,
)
from medsuite.core.stats.resampling import (
    Statistic,
    batch_size,
    batch_sizes,
    jackknife_weights,
    resample_weights,
    strata_members,
)
from medsuite.core.stats.results import Interval

RESAMPLES = 9999


def bootstrap(
    statistic: Callable[..., Float[np.ndarray, "..."] | np.float64],
    *samples: Shaped[np.ndarray, "unit"],
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    method: BootstrapMethod = "bca",
) -> Interval:
    """Bootstrap any statistic of one sample, or of several that are paired by unit, through `scipy.stats.bootstrap`.

    O((resamples + units) x units) for a statistic that is linear in the number of units.

    Args:
        statistic: Takes the samples and `axis`, such as `np.median`.
        *samples: One number per unit; the same units are drawn from each.
        rng: Source of randomness.
        level: Confidence level.
        resamples: Number of resamples.
        method: `"bca"` or `"percentile"`.

    Raises:
        InputError: Fewer than two units, values that are not finite, or limits that do not exist.
    """
    label, level = method_label(method), confidence_level(level)
    data = [sample(values, f"sample {number}", least=2) for number, values in enumerate(samples, start=1)]
    same_length(**{f"sample {number}": values for number, values in enumerate(data, start=1)})
    estimate = float(statistic(*data, axis=-1))
    low, high, draws = _scipy_limits(statistic, data, rng, level, resamples, method)
    if np.ptp(draws) == 0:
        low = high = estimate
    if not np.isfinite([low, high]).all():
        raise InputError(f"{label} limits of the statistic do not exist", fix='use method="percentile" or more units')
    return Interval(estimate, low, high, level, len(data[0]), label)


def bootstrap_mean(
    values: Shaped[np.ndarray, "unit"],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    method: BootstrapMethod = "bca",
    strata: Shaped[np.ndarray, "unit"] | None = None,
) -> Interval:
    """Bootstrap the mean over units; of paired differences, this is the paired bootstrap.

    Args:
        values: One number per independent unit.
        rng: Source of randomness.
        level: Confidence level.
        resamples: Number of resamples.
        method: `"bca"` or `"percentile"`.
        strata: Class of each unit, if each class keeps its size.

    Raises:
        InputError: Fewer than two units, or a value that is not finite.
    """
    column = sample(values, "values", least=2)
    sums = np.stack([column, np.ones_like(column)], axis=1)
    return bootstrap_sums(_mean, sums, rng=rng, level=level, resamples=resamples, method=method, strata=strata)


def bootstrap_sums(
    statistic: Statistic,
    sufficient: Shaped[np.ndarray, "unit column"],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    method: BootstrapMethod = "bca",
    strata: Shaped[np.ndarray, "unit"] | None = None,
) -> Interval:
    """Bootstrap a statistic of sums over units: `statistic(weights @ sufficient)`.

    F1 from the columns (true positives, false positives, false negatives) of each image is one example, a
    difference of two arms from the columns of both another. O(resamples x units) for the weights and a matrix
    product; the jackknife is O(units), since the sum without a unit is a subtraction.

    Args:
        statistic: Takes sums, one row per resample, and returns one number per row.
        sufficient: Sufficient statistics of each unit; see `sum_by_unit` for units of several rows.
        rng: Source of randomness.
        level: Confidence level.
        resamples: Number of resamples.
        method: `"bca"` or `"percentile"`.
        strata: Class of each unit, if each class keeps its size.

    Raises:
        InputError: Fewer than two units, a value that is not finite, or a statistic that is undefined on a resample.
    """
    columns = _units_of_columns(sufficient)

    def of_weights(weights: Float[np.ndarray, "resample unit"]) -> Float[np.ndarray, "resample"]:
        return statistic(weights @ columns)

    draws = bootstrap_distribution(of_weights, len(columns), rng=rng, resamples=resamples, strata=strata)
    total = columns.sum(axis=0)
    estimate = float(statistic(total[None])[0])
    return _interval(draws, estimate, lambda: statistic(total - columns), len(columns), level, method, strata)


def bootstrap_weighted(
    statistic: Statistic,
    units: int,
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    method: BootstrapMethod = "bca",
    strata: Shaped[np.ndarray, "unit"] | None = None,
) -> Interval:
    """Bootstrap a statistic that takes a weight per unit: `statistic(weights)`.

    `bootstrap_weighted(lambda weights: weighted_auroc(scores, labels, weights), len(labels), ...)` is the interval of
    an AUROC. O(resamples x units), and O(units²) more for the jackknife of BCa.

    Args:
        statistic: Takes weights, one row per resample, and returns one number per row.
        units: Number of units.
        rng: Source of randomness.
        level: Confidence level.
        resamples: Number of resamples.
        method: `"bca"` or `"percentile"`.
        strata: Class of each unit, if each class keeps its size.

    Raises:
        InputError: Fewer than two units, or a statistic that is undefined on a resample.
    """
    if units < 2:
        raise InputError(f"{units} units to resample", expected="at least 2")
    draws = bootstrap_distribution(statistic, units, rng=rng, resamples=resamples, strata=strata)
    estimate = float(statistic(np.ones((1, units)))[0])

    def jackknife() -> Float[np.ndarray, "unit"]:
        return np.concatenate([statistic(weights) for weights in jackknife_weights(units)])

    return _interval(draws, estimate, jackknife, units, level, method, strata)


def bootstrap_clusters(
    statistic: Statistic,
    clusters: Shaped[np.ndarray, "row"],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    method: BootstrapMethod = "bca",
) -> Interval:
    """Bootstrap a weighted statistic of rows that stay together: all rows of a cluster carry its weight.

    O(resamples x rows), and O(clusters x rows) more for BCa. For a statistic of sums, `bootstrap_sums` of
    `sum_by_unit` gives the same faster.

    Args:
        statistic: Takes weights of the rows, one row of weights per resample, and returns one number per resample.
        clusters: Cluster of each row: the patient of a stay, or the seed if each seed has units of its own.
        rng: Source of randomness.
        level: Confidence level.
        resamples: Number of resamples.
        method: `"bca"` or `"percentile"`.

    Raises:
        InputError: Fewer than two clusters, or a statistic that is undefined on a resample.
    """
    names, position = np.unique(clusters, return_inverse=True)

    def of_clusters(weights: Float[np.ndarray, "resample cluster"]) -> Float[np.ndarray, "resample"]:
        return statistic(weights[:, position])

    return bootstrap_weighted(of_clusters, len(names), rng=rng, level=level, resamples=resamples, method=method)


def bootstrap_distribution(
    statistic: Statistic,
    units: int,
    *,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    strata: Shaped[np.ndarray, "unit"] | None = None,
) -> Float[np.ndarray, "resample ..."]:
    """Return a weighted statistic of each resample; the statistic may return several numbers, drawn jointly.

    Args:
        statistic: Takes weights, one row per resample, and returns a number, or a row of numbers, per row.
        units: Number of units.
        rng: Source of randomness.
        resamples: Number of resamples.
        strata: Class of each unit, if each class keeps its size.

    Raises:
        InputError: There is no unit or no resample, or `strata` has another length.
    """
    if resamples < 1:
        raise InputError(f"{resamples} resamples", expected="at least 1, and 1000 or more for an interval")
    sizes = batch_sizes(resamples, max(units, 1))
    return np.concatenate([statistic(resample_weights(units, size, rng=rng, strata=strata)) for size in sizes])


def _interval(
    draws: Float[np.ndarray, "resample"],
    estimate: float,
    jackknife: Callable[[], Float[np.ndarray, "unit"]],
    units: int,
    level: float,
    method: BootstrapMethod,
    strata: Shaped[np.ndarray, "unit"] | None,
) -> Interval:
    label, level = method_label(method), confidence_level(level)
    if method == "percentile":
        low, high = percentile_limits(draws, level)
    else:
        low, high = bca_limits(draws, estimate, jackknife(), level, strata_members(units, strata))
    return Interval(estimate, low, high, level, units, label)


def _scipy_limits(
    statistic: Callable[..., Float[np.ndarray, "..."] | np.float64],
    data: list[Float[np.ndarray, "unit"]],
    rng: np.random.Generator,
    level: float,
    resamples: int,
    method: BootstrapMethod,
) -> tuple[float, float, Float[np.ndarray, "resample"]]:
    from scipy import stats

    # SciPy divides by zero and warns where limits do not exist; the caller says so as an error.
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        result = stats.bootstrap(
            data,
            statistic,
            paired=True,
            vectorized=True,
            n_resamples=resamples,
            batch=batch_size(len(data[0])),
            confidence_level=level,
            method={"bca": "BCa", "percentile": "percentile"}[method],
            rng=rng,
        )
    low, high = result.confidence_interval
    return float(low), float(high), result.bootstrap_distribution


def _units_of_columns(sufficient: Shaped[np.ndarray, "unit column"]) -> Float[np.ndarray, "unit column"]:
    if len(sufficient) < 2:
        raise InputError(f"sufficient has {len(sufficient)} units", expected="at least 2")
    return numbers(sufficient, "sufficient")


def _mean(sums: Float[np.ndarray, "resample two"]) -> Float[np.ndarray, "resample"]:
    return sums[:, 0] / sums[:, 1]
