"""Closed-form intervals agree with statsmodels and with the textbook."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from medsuite.core.errors import InputError
from medsuite.core.stats import student_interval, wilson_interval


@given(trials=st.integers(1, 500), share=st.floats(0, 1), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_equals_statsmodels(trials, share, level):
    successes = round(share * trials)
    interval = wilson_interval(successes, trials, level=level)
    expected = proportion_confint(successes, trials, alpha=1 - level, method="wilson")
    np.testing.assert_allclose((interval.low, interval.high), expected, atol=1e-12)
    assert interval.estimate == successes / trials


@pytest.mark.parametrize(("successes", "trials"), [(3, 2), (-1, 2), (0, 0)])
def test_wilson_refuses_impossible_counts(successes, trials):
    with pytest.raises(InputError, match="successes of"):
        wilson_interval(successes, trials)


@given(values=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=8), level=st.sampled_from([0.8, 0.95]))
def test_student_equals_statsmodels(values, level):
    interval = student_interval(np.array(values), level=level)
    expected = DescrStatsW(values).tconfint_mean(alpha=1 - level)
    np.testing.assert_allclose((interval.low, interval.high), expected, rtol=1e-9, atol=1e-9)
    assert (interval.n, interval.method) == (len(values), "Student t")


def test_student_of_equal_seeds_has_no_width():
    assert student_interval(np.full(3, 0.7)).ends == pytest.approx((0.7, 0.7, 0.7), abs=1e-15)


def test_student_refuses_a_single_seed():
    with pytest.raises(InputError, match="1 units; expected at least 2"):
        student_interval(np.array([0.7]))


def test_a_level_in_per_cent_is_refused_with_the_fraction_to_write():
    with pytest.raises(InputError, match=r"write 0\.95 for 95 %"):
        student_interval(np.array([0.7, 0.8]), level=95.0)
