"""Calibration measures equal scikit-learn and plain loops, and Murphy's parts add up."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from medsuite.core.stats import brier_decomposition, brier_score, expected_calibration_error, reliability

either_binning = pytest.mark.parametrize("binning", ["width", "mass"])


@st.composite
def forecasts(draw):
    """Draw probabilities, some of them tied or on the edge of a bin, with outcomes."""
    n = draw(st.integers(1, 40))
    values = st.floats(0, 1) | st.sampled_from([0.0, 0.2, 0.5, 1.0])
    predicted = draw(st.lists(values, min_size=n, max_size=n))
    return np.array(predicted), np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))


def ece_by_definition(predicted, outcomes, edges):
    """Walk over the bins (low, high], as Guo et al. (2017) print them."""
    total = 0.0
    for low, high in pairwise(edges):
        inside = (predicted > low) & (predicted <= high) | ((predicted == 0) & (low == 0))
        if inside.any():
            total += inside.mean() * abs(predicted[inside].mean() - outcomes[inside].mean())
    return total


@given(case=forecasts(), bins=st.integers(1, 8))
def test_bins_of_equal_width_equal_scikit_learns(case, bins):
    diagram = reliability(*case, bins=bins)
    frequency, confidence = calibration_curve(case[1], case[0], n_bins=bins, pos_label=1)
    np.testing.assert_allclose(diagram.frequency, frequency)
    np.testing.assert_allclose(diagram.confidence, confidence)
    assert diagram.counts.sum() == len(case[0])


@given(seed=st.integers(0, 999), bins=st.integers(1, 8), cases_per_bin=st.integers(1, 6))
def test_bins_of_equal_mass_equal_scikit_learns_without_ties(seed, bins, cases_per_bin):
    rng = np.random.default_rng(seed)
    predicted, outcomes = rng.beta(0.5, 5, size=bins * cases_per_bin), rng.integers(2, size=bins * cases_per_bin)
    diagram = reliability(predicted, outcomes, bins=bins, binning="mass")
    frequency, confidence = calibration_curve(outcomes, predicted, n_bins=bins, strategy="quantile", pos_label=1)
    np.testing.assert_allclose(diagram.frequency, frequency)
    np.testing.assert_allclose(diagram.confidence, confidence)
    assert (diagram.counts == cases_per_bin).all()


def test_tied_probabilities_stay_in_one_bin_of_equal_mass():
    diagram = reliability(np.repeat([0.2, 0.8], [70, 30]), np.tile([0, 1], 50), bins=10, binning="mass")
    np.testing.assert_array_equal(diagram.counts, [70, 30])
    np.testing.assert_allclose(diagram.confidence, [0.2, 0.8])


@given(case=forecasts(), bins=st.integers(1, 8))
def test_ece_equals_its_definition(case, bins):
    expected = ece_by_definition(*case, np.linspace(0, 1, bins + 1))
    assert expected_calibration_error(*case, bins=bins) == pytest.approx(expected, abs=1e-12)


@given(case=forecasts())
def test_ece_lies_between_the_overall_gap_and_the_largest(case):
    predicted, outcomes = case
    diagram = reliability(predicted, outcomes)
    assert abs(predicted.mean() - outcomes.mean()) <= diagram.expected_error + 1e-12
    assert diagram.expected_error <= diagram.maximum_error + 1e-12


def test_one_certain_and_right_forecaster_has_no_error():
    outcomes = np.array([0, 1, 1])
    assert expected_calibration_error(outcomes, outcomes) == 0
    assert brier_score(outcomes, outcomes) == 0


@given(forecasts())
def test_brier_equals_scikit_learn(case):
    assert brier_score(*case) == pytest.approx(brier_score_loss(case[1], case[0], pos_label=1, labels=[0, 1]))


@either_binning
@given(case=forecasts(), bins=st.integers(1, 8))
def test_the_parts_of_the_brier_score_add_up(binning, case, bins):
    parts = brier_decomposition(*case, bins=bins, binning=binning)
    assert parts.score == pytest.approx(brier_score(*case), abs=1e-12)
    assert min(parts.reliability, parts.resolution, parts.uncertainty) >= 0


def test_murphys_three_parts_suffice_when_each_bin_has_one_probability():
    predicted = np.array([0.1, 0.1, 0.1, 0.9, 0.9])
    outcomes = np.array([0, 0, 1, 1, 1])
    parts = brier_decomposition(predicted, outcomes)
    assert parts.within_bin == pytest.approx(0, abs=1e-15)
    assert parts.reliability == pytest.approx((3 * (0.1 - 1 / 3) ** 2 + 2 * 0.1**2) / 5)
    assert parts.resolution == pytest.approx((3 * (1 / 3 - 0.6) ** 2 + 2 * 0.4**2) / 5)
    assert parts.uncertainty == pytest.approx(0.24)


@pytest.mark.parametrize(
    ("predicted", "outcomes", "options", "message"),
    [
        ([1.2], [1], {}, "expected values from 0 to 1"),
        ([np.nan], [1], {}, "NaN"),
        ([0.5], [2], {}, "outcomes holds 2"),
        ([], [], {}, "no cases"),
        ([0.5], [1, 0], {}, "differ in length"),
        ([0.5], [1], {"bins": 0}, "0 bins"),
        ([0.5], [1], {"binning": "mas"}, "did you mean 'mass'"),
    ],
)
def test_what_has_no_calibration_is_refused(predicted, outcomes, options, message, expect_refusal):
    with expect_refusal(message):
        reliability(np.array(predicted), np.array(outcomes), **options)
