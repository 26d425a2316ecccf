"""Paired tests agree with statsmodels, SciPy and plain enumeration."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.descriptivestats import sign_test as statsmodels_sign_test

from medsuite.core.errors import InputError
from medsuite.core.stats import binomial_test, mcnemar_test, paired_permutation_test, permutation_test, sign_test

answers = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60).map(np.array)


@given(answers)
def test_mcnemar_equals_statsmodels(pairs):
    first, second = pairs.T
    table = [[np.sum(first & second), np.sum(first & ~second)], [np.sum(~first & second), np.sum(~first & ~second)]]
    test = mcnemar_test(first, second)
    assert test.p == pytest.approx(mcnemar(table, exact=True).pvalue)
    assert (test.statistic, test.n) == (table[0][1], table[0][1] + table[1][0])


def test_mcnemar_without_a_discordant_unit_is_certain_of_nothing():
    answers = np.array([1, 0, 1])
    test = mcnemar_test(answers, answers)
    assert (test.p, test.n) == (1.0, 0)


def test_mcnemar_takes_nothing_but_right_and_wrong():
    with pytest.raises(InputError, match=r"second holds 0\.5"):
        mcnemar_test(np.array([1, 0]), np.array([0.5, 1]))


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=50).map(np.array))
def test_the_sign_test_leaves_zeros_out_and_equals_statsmodels(differences):
    test = sign_test(differences)
    expected = statsmodels_sign_test(differences[differences != 0])[1] if np.any(differences) else 1.0
    assert test.p == pytest.approx(expected)
    assert (test.statistic, test.n) == ((differences > 0).sum(), (differences != 0).sum())


@given(trials=st.integers(1, 60), share=st.floats(0, 1), chance=st.sampled_from([0.25, 0.5, 0.9]))
def test_the_binomial_test_adds_up_all_outcomes_as_unlikely(trials, share, chance):
    successes = round(share * trials)
    likelihood = stats.binom.pmf(np.arange(trials + 1), trials, chance)
    expected = likelihood[likelihood <= likelihood[successes] * (1 + 1e-7)].sum()
    assert binomial_test(successes, trials, chance=chance).p == pytest.approx(expected)


def test_few_differences_are_flipped_in_all_ways(rng):
    differences = rng.normal(size=8) + 0.7
    means = np.array([np.mean(differences * signs) for signs in product([1, -1], repeat=8)])
    expected = np.mean(np.abs(means) >= abs(differences.mean()) - 1e-12)
    test = paired_permutation_test(differences, rng=rng)
    assert test.p == pytest.approx(expected)
    assert (test.statistic, test.n) == (pytest.approx(differences.mean()), 8)


def test_many_differences_are_flipped_at_random_near_the_normal_limit(rng):
    differences = rng.normal(size=200) + 0.15
    z = differences.mean() / np.sqrt((differences**2).mean() / 200)
    expected = 2 * stats.norm.sf(abs(z))
    test = paired_permutation_test(differences, rng=rng)
    assert test.p == pytest.approx(expected, abs=5 * np.sqrt(expected / 9999) + 0.005)


def test_two_small_groups_are_exchanged_in_all_ways(rng):
    first, second = rng.normal(size=5), rng.normal(size=6) + 1
    expected = stats.permutation_test((first, second), lambda x, y: x.mean() - y.mean(), n_resamples=np.inf)
    test = permutation_test(first, second, rng=rng)
    assert test.p == pytest.approx(expected.pvalue)
    assert test.statistic == pytest.approx(first.mean() - second.mean())


def test_permutations_cannot_tell_constant_data_from_chance(rng):
    assert paired_permutation_test(np.zeros(30), rng=rng).p == 1
    assert permutation_test(np.ones(20), np.ones(30), rng=rng).p == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda rng: paired_permutation_test(np.array([1.0, np.nan]), rng=rng),
        lambda rng: permutation_test(np.array([1.0]), np.array([1.0, 2.0]), rng=rng),
        lambda rng: sign_test(np.array([])),
        lambda rng: binomial_test(2, 1),
    ],
)
def test_what_cannot_be_tested_is_refused(rng, call):
    with pytest.raises(InputError):
        call(rng)


def test_answers_to_different_questions_are_not_paired(expect_refusal):
    with expect_refusal("first has 2, second has 1"):
        mcnemar_test(np.array([1, 0]), np.array([1]))
