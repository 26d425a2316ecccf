"""Weights of resamples are the counts of a draw with replacement, and sums by unit keep rows together."""

import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.core.stats import ratio, resample_weights, sum_by_unit
from medsuite.core.stats.resampling import batch_sizes, jackknife_weights


def test_every_resample_draws_as_many_units_as_there_are(rng):
    weights = resample_weights(7, 50, rng=rng)
    assert weights.shape == (50, 7)
    assert (weights.sum(axis=1) == 7).all()


def test_weights_have_the_moments_of_the_multinomial_distribution(rng):
    units = 5
    weights = resample_weights(units, 200_000, rng=rng)
    covariance = np.eye(units) - 1 / units
    np.testing.assert_allclose(weights.mean(axis=0), 1, atol=0.02)
    np.testing.assert_allclose(np.cov(weights.T), covariance, atol=0.02)


def test_strata_keep_their_size_in_every_resample(rng):
    strata = np.array(["ill", "well", "ill", "well", "well"])
    weights = resample_weights(5, 100, rng=rng, strata=strata)
    assert (weights[:, strata == "ill"].sum(axis=1) == 2).all()
    assert (weights[:, strata == "well"].sum(axis=1) == 3).all()


def test_the_same_seed_draws_the_same_weights():
    first, second = (resample_weights(9, 4, rng=np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(("units", "strata"), [(0, None), (3, np.array([0, 1]))])
def test_nothing_to_draw_from_is_refused(rng, units, strata):
    with pytest.raises(InputError):
        resample_weights(units, 10, rng=rng, strata=strata)


def test_the_jackknife_leaves_each_unit_out_once_across_batches(monkeypatch):
    monkeypatch.setattr("medsuite.core.stats.resampling.CELLS", 10)
    batches = list(jackknife_weights(5))
    assert [len(batch) for batch in batches] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(batches), 1 - np.eye(5))


def test_batches_add_up_to_all_resamples(monkeypatch):
    monkeypatch.setattr("medsuite.core.stats.resampling.CELLS", 12)
    assert list(batch_sizes(10, 4)) == [3, 3, 3, 1]
    assert list(batch_sizes(2, 1000)) == [1, 1]


def test_rows_of_a_unit_add_up_wherever_they_stand():
    rows = np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    np.testing.assert_array_equal(sum_by_unit(rows, np.array(["b", "a", "b"])), [[2, 20], [5, 50]])


def test_a_ratio_of_nothing_is_nan():
    np.testing.assert_array_equal(ratio(np.array([[1.0, 2.0], [1.0, 0.0]])), [0.5, np.nan])
