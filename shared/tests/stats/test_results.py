"""Intervals and tests print as a reader expects and answer simple questions."""

import pytest

from medsuite.core.stats import HypothesisTest, Interval


def interval(estimate, low, high):
    return Interval(estimate, low, high, 0.95, 75, "BCa bootstrap")


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((0.84, 0.80, 0.88), "0.84 [0.80, 0.88]"),
        ((0.8412, 0.8301, 0.8533), "0.841 [0.830, 0.853]"),
        ((1234.6, 1100.0, 1400.0), "1235 [1100, 1400]"),
        ((-0.5, -0.9, -0.1), "-0.5 [-0.9, -0.1]"),
        ((1.0, 1.0, 1.0), "1 [1, 1]"),
        ((2e-9, 1e-9, 4e-9), "2e-09 [1e-09, 4e-09]"),
    ],
)
def test_an_interval_prints_as_many_decimals_as_its_width_deserves(ends, text):
    assert str(interval(*ends)) == f"{text} (95 % BCa bootstrap, n = 75)"


def test_an_interval_without_numbers_still_prints():
    nan = float("nan")
    assert str(interval(nan, nan, nan)).startswith("nan [nan, nan]")


def test_an_interval_excludes_what_lies_outside_its_closed_ends():
    assert interval(0.84, 0.80, 0.88).excludes(0.79)
    assert not interval(0.84, 0.80, 0.88).excludes(0.80)


@pytest.mark.parametrize(("p", "text"), [(0.0123, "p = 0.012"), (0.0001, "p < 0.001"), (1.0, "p = 1")])
def test_a_test_prints_its_p_value_and_name(p, text):
    assert str(HypothesisTest(3.0, p, 31, "exact McNemar test")) == f"{text} (exact McNemar test, n = 31)"
