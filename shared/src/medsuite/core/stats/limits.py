"""From a bootstrap distribution to the ends of an interval: percentile and BCa."""

from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from medsuite.core.errors import InputError, unknown_name

BootstrapMethod = Literal["bca", "percentile"]
LABELS: dict[str, str] = {"bca": "BCa bootstrap", "percentile": "percentile bootstrap"}


def method_label(method: str) -> str:
    """Return the name of a bootstrap method as it is printed.

    Raises:
        InputError: There is no such method.
    """
    if method not in LABELS:
        raise unknown_name("bootstrap method", method, LABELS)
    return LABELS[method]


def percentile_limits(distribution: Float[np.ndarray, "resample"], level: float) -> tuple[float, float]:
    """Return the central quantiles of a bootstrap distribution (Efron 1979).

    Raises:
        InputError: The statistic is NaN on a resample.
    """
    require_defined(distribution, "resamples")
    low, high = np.quantile(distribution, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bca_limits(
    distribution: Float[np.ndarray, "resample"],
    estimate: float,
    jackknife: Float[np.ndarray, "unit"],
    level: float,
    members: list[Int[np.ndarray, "_"]],
) -> tuple[float, float]:
    """Return the bias-corrected and accelerated limits (Efron 1987, eq. 2.3 and 6.6).

    The limits are the quantiles of the distribution at Φ(z₀ + (z₀ + z) / (1 - a (z₀ + z))), where z is the normal
    quantile of the wanted tail, z₀ the bias and a the acceleration. A distribution without spread, as of constant
    data, has both limits at the estimate.

    Args:
        distribution: The statistic of each resample.
        estimate: The statistic of the sample.
        jackknife: The statistic with each unit left out.
        level: Confidence level.
        members: Indices of the units of each stratum; all units in one if they were not stratified.

    Raises:
        InputError: The statistic is NaN somewhere, or the estimate lies outside the whole distribution.
    """
    from scipy.special import ndtr, ndtri

    require_defined(distribution, "resamples")
    if np.ptp(distribution) <= _tolerance(distribution, estimate):
        return estimate, estimate
    require_defined(jackknife, "samples with one unit left out")
    tails = ndtri([(1 - level) / 2, (1 + level) / 2]) + _bias(distribution, estimate)
    stretch = 1 - acceleration(jackknife, members) * tails
    if not (np.isfinite(tails).all() and (stretch > 0).all()):
        raise InputError(
            f"BCa limits do not exist: the estimate {estimate:g} is at the edge of its bootstrap distribution",
            fix='use method="percentile" or more units',
        )
    low, high = np.quantile(distribution, ndtr(_bias(distribution, estimate) + tails / stretch))
    return float(low), float(high)


def acceleration(jackknife: Float[np.ndarray, "unit"], members: list[Int[np.ndarray, "_"]]) -> float:
    """Return the acceleration of a statistic: a sixth of the skewness of its jackknife influences.

    Strata of their own count as samples of their own (Efron and Tibshirani 1993, eq. 14.15 and 15.36). Zero if
    leaving out a unit changes nothing, as for the median of tied data.
    """
    third = second = 0.0
    for index in members:
        influence = (len(index) - 1) / len(index) * (jackknife[index].mean() - jackknife[index])
        third += float((influence**3).sum())
        second += float((influence**2).sum())
    return third / (6 * second**1.5) if second > 0 else 0.0


def require_defined(values: Float[np.ndarray, "resample"], where: str) -> None:
    """Check that a statistic is a number on every resample.

    Raises:
        InputError: It is NaN or infinite on some.
    """
    undefined = int((~np.isfinite(values)).sum())
    if undefined:
        raise InputError(
            f"the statistic is not finite on {undefined} of {len(values)} {where}",
            fix="resample each class on its own (strata=labels), or define the statistic there",
        )


def _bias(distribution: Float[np.ndarray, "resample"], estimate: float) -> float:
    """Return z₀; resamples equal to the estimate, up to rounding, count half."""
    from scipy.special import ndtri

    tolerance = _tolerance(distribution, estimate)
    below = np.mean(distribution < estimate - tolerance) + np.mean(distribution <= estimate + tolerance)
    return float(ndtri(below / 2))


def _tolerance(distribution: Float[np.ndarray, "resample"], estimate: float) -> float:
    # The same value summed in another order differs in the last digits; without this a tie would be won by chance.
    return 1e-12 * max(abs(estimate), float(np.abs(distribution).max()))
