"""The crossed bootstrap weighs a cell by the product of the counts of its seed and its unit."""

import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.core.stats import bootstrap_crossed, bootstrap_crossed_mean, ratio, resample_weights


def slow_limits(values, seed, resamples):
    """Copy the drawn seeds and units out of the grid, resample by resample."""
    rng = np.random.default_rng(seed)
    of_seeds = resample_weights(values.shape[0], resamples, rng=rng).astype(int)
    of_units = resample_weights(values.shape[1], resamples, rng=rng).astype(int)
    means = [
        np.nanmean(values.repeat(lines, axis=0).repeat(columns, axis=1))
        for lines, columns in zip(of_seeds, of_units, strict=True)
    ]
    return tuple(np.quantile(means, [0.025, 0.975]))


def test_the_interval_equals_that_of_copied_seeds_and_units(rng):
    values = rng.normal(size=(4, 15))
    values[1, 3] = values[2, 7] = np.nan
    interval = bootstrap_crossed_mean(values, rng=np.random.default_rng(3), resamples=200)
    assert (interval.low, interval.high) == pytest.approx(slow_limits(values, 3, 200))
    assert interval.estimate == pytest.approx(np.nanmean(values))
    assert (interval.n, interval.method) == (15, "percentile bootstrap of units and 4 seeds")


def test_its_variance_is_that_of_the_docstring(rng):
    seeds, units = 5, 40
    noise = rng.normal(size=(seeds, units))
    noise -= noise.mean(axis=0) + noise.mean(axis=1, keepdims=True) - noise.mean()
    of_seed, of_unit = rng.normal(size=(seeds, 1)), rng.normal(size=(1, units))
    values = of_seed + of_unit + noise
    interval = bootstrap_crossed_mean(values, rng=rng, resamples=20_000, level=0.6826895)
    expected = of_seed.var() / seeds + of_unit.var() / units + noise.var() / (seeds * units)
    assert (interval.high - interval.low) / 2 == pytest.approx(np.sqrt(expected), rel=0.05)


def test_a_statistic_of_sums_sees_all_columns(rng):
    cells = rng.random((3, 20, 2)) + 1
    interval = bootstrap_crossed(ratio, cells, rng=rng, resamples=500)
    assert interval.estimate == pytest.approx(cells[..., 0].sum() / cells[..., 1].sum())
    assert interval.low < interval.estimate < interval.high


@pytest.mark.parametrize("shape", [(1, 9), (9, 1)])
def test_one_seed_or_one_unit_cannot_be_crossed(rng, shape):
    with pytest.raises(InputError, match="at least 2 of each"):
        bootstrap_crossed_mean(np.zeros(shape), rng=rng)


def test_infinite_cells_are_refused(rng):
    with pytest.raises(InputError, match="NaN or infinite"):
        bootstrap_crossed_mean(np.array([[1.0, np.inf], [0.0, 1.0]]), rng=rng)


def test_a_grid_too_empty_to_resample_is_refused(rng):
    with pytest.raises(InputError, match="not finite on"):
        bootstrap_crossed_mean(np.array([[1.0, np.nan], [np.nan, np.nan]]), rng=rng)
