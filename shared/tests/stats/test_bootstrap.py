"""Bootstrap intervals agree with SciPy on the same resamples, and have an answer for degenerate data."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import f1_score

from medsuite.core.errors import InputError
from medsuite.core.stats import (
    bootstrap,
    bootstrap_clusters,
    bootstrap_distribution,
    bootstrap_mean,
    bootstrap_sums,
    bootstrap_weighted,
    ratio,
    resample_weights,
    sum_by_unit,
)
from medsuite.core.stats.limits import acceleration

METHODS = {"bca": "BCa", "percentile": "percentile"}
# Whole numbers, because SciPy finds ties with the estimate only where sums are exact.
whole = st.lists(st.integers(-50, 50), min_size=5, max_size=30, unique=True).map(np.array)


def weighted_mean(values):
    return lambda weights: weights @ values / weights.sum(axis=1)


def scipy_limits(data, statistic, draws, method, **options):
    """Let SciPy find the limits of a distribution that it is given."""
    given_draws = stats._resampling.BootstrapResult(None, draws, None)
    result = stats.bootstrap(
        data, statistic, n_resamples=0, bootstrap_result=given_draws, method=METHODS[method], **options
    )
    return tuple(result.confidence_interval)


@pytest.mark.parametrize("method", METHODS)
@given(values=whole, seed=st.integers(0, 99))
def test_limits_equal_scipys_for_the_same_resamples(method, values, seed):
    draws = bootstrap_distribution(weighted_mean(values), len(values), rng=np.random.default_rng(seed), resamples=499)
    interval = bootstrap_weighted(
        weighted_mean(values), len(values), rng=np.random.default_rng(seed), resamples=499, method=method
    )
    assert (interval.low, interval.high) == pytest.approx(
        scipy_limits((values,), np.mean, draws, method), rel=1e-9, abs=1e-9
    )


def test_stratified_limits_equal_scipys_of_independent_samples(rng):
    first, second = rng.exponential(size=12), rng.exponential(size=30) + 1
    values, strata = np.r_[first, second], np.repeat([0, 1], [12, 30])

    def difference_of_means(weights):
        means = [weighted_mean(values[strata == s])(weights[:, strata == s]) for s in (0, 1)]
        return means[0] - means[1]

    def scipy_difference(x, y, axis):
        return np.mean(x, axis=axis) - np.mean(y, axis=axis)

    settings = {"resamples": 999, "strata": strata}
    draws = bootstrap_distribution(difference_of_means, 42, rng=np.random.default_rng(1), **settings)
    interval = bootstrap_weighted(difference_of_means, 42, rng=np.random.default_rng(1), **settings)
    expected = scipy_limits((first, second), scipy_difference, draws, "bca")
    assert (interval.low, interval.high) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("method", METHODS)
@given(values=whole, shift=st.floats(-10, 10), scale=st.floats(0.1, 10))
def test_the_interval_of_a_mean_moves_and_scales_with_the_values(method, values, shift, scale):
    options = {"resamples": 199, "method": method}
    plain = bootstrap_mean(values, rng=np.random.default_rng(0), **options)
    moved = bootstrap_mean(scale * values + shift, rng=np.random.default_rng(0), **options)
    np.testing.assert_allclose(moved.ends, scale * np.array(plain.ends) + shift, rtol=1e-6, atol=1e-6)


def test_a_mirrored_sample_has_the_mirrored_bca_interval(rng):
    values = rng.exponential(size=40)
    plain, mirrored = (bootstrap_mean(v, rng=np.random.default_rng(0), resamples=2000) for v in (values, -values))
    np.testing.assert_allclose((-mirrored.high, -mirrored.low), (plain.low, plain.high), rtol=1e-9)


def test_ties_with_the_estimate_count_half_although_sums_round_differently():
    values = np.array([0.1] * 6 + [0.3] * 6)
    draws = bootstrap_distribution(weighted_mean(values), 12, rng=np.random.default_rng(0), resamples=2000)
    exact = bootstrap_distribution(weighted_mean(values > 0.2), 12, rng=np.random.default_rng(0), resamples=2000)
    assert (draws == values.mean()).sum() < (exact == 0.5).sum(), "no rounding left to be robust against"
    tenths, counts = (bootstrap_mean(v, rng=np.random.default_rng(0), resamples=2000) for v in (values, values > 0.2))
    np.testing.assert_allclose(tenths.ends, 0.1 + 0.2 * np.array(counts.ends), rtol=1e-12)


def test_f1_from_sums_equals_scikit_learn_on_the_resampled_images(rng):
    truth, predicted = rng.random(30) < 0.5, rng.random(30) < 0.5
    counts = np.stack([truth & predicted, ~truth & predicted, truth & ~predicted], axis=1)

    def f1(sums):
        return 2 * sums[:, 0] / (2 * sums[:, 0] + sums[:, 1] + sums[:, 2])

    interval = bootstrap_sums(f1, counts, rng=np.random.default_rng(5), resamples=200, method="percentile")
    draws = resample_weights(30, 200, rng=np.random.default_rng(5)).astype(int)
    scores = [f1_score(np.repeat(truth, drawn), np.repeat(predicted, drawn)) for drawn in draws]
    assert interval.estimate == pytest.approx(f1_score(truth, predicted))
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(scores, [0.025, 0.975])))


def test_sums_and_weights_are_two_ways_to_one_interval(rng):
    values = rng.exponential(size=25)
    by_sums = bootstrap_mean(values, rng=np.random.default_rng(2))
    by_weights = bootstrap_weighted(weighted_mean(values), 25, rng=np.random.default_rng(2))
    np.testing.assert_allclose(by_sums.ends, by_weights.ends, rtol=1e-12)


def test_clusters_and_sums_by_unit_are_two_ways_to_one_interval(rng):
    patients = rng.integers(12, size=60)
    values = rng.normal(size=60) + patients
    by_rows = bootstrap_clusters(weighted_mean(values), patients, rng=np.random.default_rng(2))
    sums = sum_by_unit(np.stack([values, np.ones(60)], axis=1), patients)
    by_sums = bootstrap_sums(ratio, sums, rng=np.random.default_rng(2))
    np.testing.assert_allclose(by_rows.ends, by_sums.ends, rtol=1e-12)
    assert by_rows.n == len(np.unique(patients))


def test_the_acceleration_of_a_mean_is_a_sixth_of_its_skewness_over_root_n(rng):
    values = rng.exponential(size=30)
    jackknife = (values.sum() - values) / 29
    assert acceleration(jackknife, [np.arange(30)]) == pytest.approx(stats.skew(values) / (6 * np.sqrt(30)))


def test_a_distribution_of_several_numbers_is_drawn_jointly(rng):
    values = rng.normal(size=(20, 3))
    draws = bootstrap_distribution(lambda weights: weights @ values / 20, 20, rng=rng, resamples=4000)
    assert draws.shape == (4000, 3)
    np.testing.assert_allclose(np.cov(draws.T), np.cov(values.T, ddof=0) / 20, atol=0.01)


def test_repeating_every_row_does_not_narrow_a_cluster_interval(rng):
    values = rng.normal(size=20)
    once = bootstrap_mean(values, rng=np.random.default_rng(2))
    often = bootstrap_clusters(
        weighted_mean(np.repeat(values, 9)), np.repeat(np.arange(20), 9), rng=np.random.default_rng(2)
    )
    np.testing.assert_allclose(often.ends, once.ends, rtol=1e-9)


def test_batches_change_nothing(rng, monkeypatch):
    values = rng.exponential(size=25)
    whole = bootstrap_mean(values, rng=np.random.default_rng(2), resamples=300)
    monkeypatch.setattr("medsuite.core.stats.resampling.CELLS", 100)
    assert bootstrap_mean(values, rng=np.random.default_rng(2), resamples=300).ends == pytest.approx(whole.ends)


def test_any_statistic_of_paired_samples_goes_to_scipy(rng):
    first = rng.normal(size=30)
    second = first + rng.normal(size=30)

    def correlation(x, y, axis):
        return stats.pearsonr(x, y, axis=axis).statistic

    interval = bootstrap(correlation, first, second, rng=np.random.default_rng(7), resamples=999)
    expected = stats.bootstrap(
        (first, second), correlation, paired=True, n_resamples=999, rng=np.random.default_rng(7)
    ).confidence_interval
    assert (interval.low, interval.high) == pytest.approx(tuple(expected))
    assert interval.estimate == pytest.approx(np.corrcoef(first, second)[0, 1])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
def test_constant_data_have_an_interval_without_width_and_without_warnings(rng, method, value):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for interval in (
            bootstrap_mean(np.full(7, value), rng=rng, method=method),
            bootstrap(np.median, np.full(7, value), rng=rng, method=method),
        ):
            np.testing.assert_allclose(interval.ends, value, rtol=1e-12)


def test_bca_limits_that_do_not_exist_are_an_error_that_names_the_way_out(rng):
    def above_all(weights):
        return np.where((weights == 1).all(axis=1), 2.0, (weights[:, 0] > 0).astype(float))

    with pytest.raises(InputError, match='edge of its bootstrap distribution; use method="percentile"'):
        bootstrap_weighted(above_all, 40, rng=rng)


def test_a_statistic_undefined_on_a_resample_is_an_error_that_names_strata(rng):
    labels = np.array([1, 0, 0, 0, 0])

    def mean_of_positives(weights):
        return ratio(np.stack([weights @ labels, weights @ labels], axis=1))

    with pytest.raises(InputError, match=r"not finite on .* resamples; resample each class on its own"):
        bootstrap_weighted(mean_of_positives, 5, rng=rng)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([1.0]), "at least 2"),
        (np.array([1.0, np.nan, 2.0]), "1 of 3 in values are NaN"),
        (np.array([1.0, np.inf]), "NaN or infinite"),
        (np.array(["a", "b"]), "expected numbers"),
    ],
)
def test_values_that_cannot_be_averaged_are_refused(rng, values, message):
    with pytest.raises(InputError, match=message):
        bootstrap_mean(values, rng=rng)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"method": "bac"}, "did you mean 'bca'"), ({"level": 1.0}, "level 1"), ({"resamples": 0}, "0 resamples")],
)
def test_settings_that_make_no_sense_are_refused(rng, expect_refusal, options, message):
    with expect_refusal(message):
        bootstrap_mean(np.arange(5), rng=rng, **options)


def test_samples_of_different_units_are_not_paired(rng, expect_refusal):
    with expect_refusal("differ in length"):
        bootstrap(np.mean, np.arange(5), np.arange(6), rng=rng)
