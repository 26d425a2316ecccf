"""Intervals cover the truth, and tests reject it, about as often as their level says: simulations with a known truth.

The bounds leave four standard errors of the simulation, so that a right interval fails for no seed to speak of.
"""

import numpy as np
import pytest
from scipy.special import ndtr

from medsuite.core.stats import (
    auroc_interval,
    bootstrap_clusters,
    bootstrap_crossed_mean,
    bootstrap_mean,
    delong,
    delong_test,
    mcnemar_test,
    paired_permutation_test,
    permutation_test,
    sign_test,
    student_interval,
    wilson_interval,
)

REPEATS = 300


def coverage(draw_interval, truth, repeats=REPEATS):
    return np.mean([not draw_interval().excludes(truth) for _ in range(repeats)])


def slack(level, repeats=REPEATS):
    return 4 * np.sqrt(level * (1 - level) / repeats)


@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_the_bootstrap_of_a_mean(rng, method):
    found = coverage(lambda: bootstrap_mean(rng.gamma(4, size=60), rng=rng, resamples=499, method=method), 4.0)
    assert found == pytest.approx(0.94, abs=slack(0.94))


def test_student_with_three_seeds(rng):
    found = coverage(lambda: student_interval(rng.normal(2, 3, size=3), level=0.9), 2.0, repeats=2000)
    assert found == pytest.approx(0.9, abs=slack(0.9, 2000))


def test_wilson_near_one(rng):
    found = coverage(lambda: wilson_interval(int(rng.binomial(75, 0.95)), 75), 0.95, repeats=2000)
    assert found == pytest.approx(0.95, abs=0.03)


def test_delong_on_the_logit_scale_where_the_plain_normal_interval_fails(rng):
    labels, truth, plain = np.repeat([0, 1], 20), float(ndtr(2 / np.sqrt(2))), []

    def draw():
        scores = rng.normal(size=40) + 2 * labels
        result = delong(scores[None], labels)
        plain.append(abs(result.aurocs[0] - truth) <= 1.96 * np.sqrt(result.covariance[0, 0]))
        return auroc_interval(scores, labels)

    assert coverage(draw, truth, repeats=1000) == pytest.approx(0.95, abs=slack(0.95, 1000))
    assert np.mean(plain) < 0.9


def test_clusters_cover_where_rows_taken_as_independent_do_not(rng):
    patients = np.repeat(np.arange(30), 8)
    naive = []

    def draw():
        values = rng.normal(size=30)[patients] + rng.normal(size=240)
        naive.append(not bootstrap_mean(values, rng=rng, resamples=199).excludes(0))
        return bootstrap_clusters(
            lambda weights: weights @ values / weights.sum(axis=1), patients, rng=rng, resamples=299
        )

    assert coverage(draw, 0.0) == pytest.approx(0.93, abs=slack(0.93))
    assert np.mean(naive) < 0.75


def test_crossed_seeds_and_units_cover_where_units_alone_do_not(rng):
    alone = []

    def draw():
        grid = 0.5 * rng.normal(size=(10, 1)) + rng.normal(size=(1, 60)) + rng.normal(size=(10, 60))
        alone.append(not bootstrap_mean(grid.mean(axis=0), rng=rng, resamples=199).excludes(0))
        return bootstrap_crossed_mean(grid, rng=rng, resamples=299)

    assert coverage(draw, 0.0) == pytest.approx(0.93, abs=slack(0.93))
    assert np.mean(alone) < 0.87


LABELS = np.repeat([0, 1], 25)
UNDER_THE_NULL = {
    "DeLong": lambda rng: delong_test(*(rng.normal(size=(2, 50)) + LABELS), LABELS),
    "McNemar": lambda rng: mcnemar_test(*(rng.random((2, 60)) < 0.6)),
    "sign": lambda rng: sign_test(rng.standard_t(2, size=40)),
    "sign flip": lambda rng: paired_permutation_test(rng.laplace(size=20), rng=rng, resamples=99),
    "permutation": lambda rng: permutation_test(*rng.laplace(size=(2, 12)), rng=rng, resamples=99),
}


@pytest.mark.parametrize("name", UNDER_THE_NULL)
def test_no_test_rejects_a_true_null_hypothesis_more_often_than_it_says(name, rng):
    p_values = np.array([UNDER_THE_NULL[name](rng).p for _ in range(400)])
    for level in (0.05, 0.2, 0.5):
        assert np.mean(p_values <= level) < level + slack(level, 400)
    assert np.mean(p_values <= 0.5) > 0.25, "and it is not silent either"
