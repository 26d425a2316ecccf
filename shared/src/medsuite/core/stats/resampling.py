"""Resampled units as a matrix of weights: the one representation that the bootstraps of this package share.

A resample of n units with replacement is the vector of how often each unit was drawn, and a statistic of the
resample is a weighted statistic of the original units. Leaving a unit out (the jackknife) is a weight of zero.
Weights cost no copies of the data, and turn every statistic of sums into a matrix product.
"""

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float, Int, Shaped

from medsuite.core.errors import InputError
from medsuite.core.stats.checks import numbers, same_length

Statistic = Callable[[Float[np.ndarray, "resample column"]], Float[np.ndarray, "resample"]]
"""A statistic of many resamples at once: a row of weights, or of weighted sums, in and a number out."""

CELLS = 2**15
"""Number of weights drawn at once: 256 KB, which a core's own cache holds; larger batches are drawn more slowly."""


def resample_weights(
    units: int, resamples: int, *, rng: np.random.Generator, strata: Shaped[np.ndarray, "unit"] | None = None
) -> Float[np.ndarray, "resample unit"]:
    """Draw how often each unit occurs in each resample; O(resamples x units).

    Args:
        units: Number of units.
        resamples: Number of resamples.
        rng: Source of randomness.
        strata: Class of each unit; each class is then resampled on its own and keeps its size.

    Raises:
        InputError: There is no unit, or `strata` has another length.
    """
    if units < 1:
        raise InputError(f"{units} units to resample", expected="at least 1")
    if strata is None:
        return _draw_counts(units, resamples, rng).astype(np.float64)
    weights = np.empty((resamples, units))
    for members in strata_members(units, strata):
        weights[:, members] = _draw_counts(len(members), resamples, rng)
    return weights


def strata_members(units: int, strata: Shaped[np.ndarray, "unit"] | None) -> list[Int[np.ndarray, "_"]]:
    """List the indices of the units of each stratum; one stratum of all units if `strata` is None.

    Raises:
        InputError: `strata` has another length than there are units.
    """
    if strata is None:
        return [np.arange(units)]
    same_length(units=np.arange(units), strata=strata)
    _, stratum = np.unique(strata, return_inverse=True)
    return [np.flatnonzero(stratum == index) for index in range(stratum.max() + 1)]


def jackknife_weights(units: int) -> Iterator[Float[np.ndarray, "left_out unit"]]:
    """Yield batches of weights that leave out one unit each, in the order of the units; O(units²) in all."""
    step = batch_size(units)
    for start in range(0, units, step):
        rows = np.arange(start, min(start + step, units))
        weights = np.ones((len(rows), units))
        weights[np.arange(len(rows)), rows] = 0
        yield weights


def batch_sizes(resamples: int, units: int) -> Iterator[int]:
    """Split a number of resamples so that one batch of weights has about `CELLS` entries."""
    step = batch_size(units)
    for start in range(0, resamples, step):
        yield min(step, resamples - start)


def batch_size(units: int) -> int:
    """Return how many rows of weights fit into `CELLS` entries, at least one."""
    return max(1, CELLS // units)


def sum_by_unit(
    rows: Shaped[np.ndarray, "row column"], units: Shaped[np.ndarray, "row"]
) -> Float[np.ndarray, "unit column"]:
    """Add up the rows of each unit, in sorted order of the units; O(rows log rows).

    What keeps all rows of a patient together: the sums of patients are resampled, never the rows. With the columns
    (value, 1) and `ratio`, the statistic is the mean over rows with the patient as the cluster.

    Args:
        rows: Sufficient statistics, one row per observation.
        units: Unit of each row: patient, image, question.

    Raises:
        InputError: A value is not finite, or `units` has another length than `rows`.
    """
    same_length(rows=rows, units=units)
    names, position = np.unique(units, return_inverse=True)
    sums = np.zeros((len(names), rows.shape[1]))
    np.add.at(sums, position, numbers(rows, "rows"))
    return sums


def ratio(sums: Float[np.ndarray, "resample two"]) -> Float[np.ndarray, "resample"]:
    """Divide the first column of sums by the second; NaN where the second is zero."""
    numerator, denominator = sums.T
    return np.divide(numerator, denominator, out=np.full(len(sums), np.nan), where=denominator != 0)


def _draw_counts(members: int, resamples: int, rng: np.random.Generator) -> Int[np.ndarray, "resample member"]:
    drawn = rng.integers(members, size=(resamples, members))
    drawn += members * np.arange(resamples)[:, None]
    return np.bincount(drawn.ravel(), minlength=resamples * members).reshape(resamples, members)
