"""AUROC equals scikit-learn, DeLong equals its definition over all pairs, and degenerate cases have an answer."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from medsuite.core.errors import InputError
from medsuite.core.stats import (
    auroc,
    auroc_difference,
    auroc_interval,
    delong,
    delong_test,
    resample_weights,
    weighted_auroc,
)


@st.composite
def cases(draw, models=1):
    """Draw scores with many ties, and labels with at least two of each class."""
    n = draw(st.integers(6, 25))
    labels = np.array([0, 0, 1, 1, *draw(st.lists(st.integers(0, 1), min_size=n - 4, max_size=n - 4))])
    values = st.lists(st.integers(0, 6), min_size=n, max_size=n)
    return np.array([draw(values) for _ in range(models)], dtype=float), labels


def delong_by_definition(scores, labels):
    """Compare every positive with every negative (DeLong et al. 1988, eq. 4 to 6)."""
    positives, negatives = scores[:, labels == 1], scores[:, labels == 0]
    wins = positives[:, :, None] > negatives[:, None, :]
    ties = positives[:, :, None] == negatives[:, None, :]
    kernel = wins + ties / 2
    of_positives, of_negatives = kernel.mean(axis=2), kernel.mean(axis=1)
    covariance = np.cov(of_positives) / positives.shape[1] + np.cov(of_negatives) / negatives.shape[1]
    return kernel.mean(axis=(1, 2)), covariance


@given(cases())
def test_auroc_equals_scikit_learn_with_ties(case):
    (scores,), labels = case
    assert auroc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))


@given(cases(), st.integers(0, 99))
def test_weighted_auroc_equals_scikit_learn_with_sample_weights(case, seed):
    (scores,), labels = case
    weights = resample_weights(len(labels), 3, rng=np.random.default_rng(seed), strata=labels)
    expected = [roc_auc_score(labels, scores, sample_weight=row) for row in weights]
    np.testing.assert_allclose(weighted_auroc(scores, labels, weights), expected)


def test_weighted_auroc_is_nan_where_a_class_has_no_weight():
    areas = weighted_auroc(np.arange(3), np.array([0, 1, 1]), np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 2.0]]))
    np.testing.assert_array_equal(areas, [1, np.nan])


@given(cases(models=3))
def test_delong_equals_its_definition_over_all_pairs(case):
    scores, labels = case
    result = delong(scores, labels)
    areas, covariance = delong_by_definition(scores, labels)
    np.testing.assert_allclose(result.aurocs, areas, atol=1e-12)
    np.testing.assert_allclose(result.covariance, covariance, atol=1e-12)
    assert (result.positives, result.negatives) == (labels.sum(), (1 - labels).sum())


@given(cases(models=2), st.randoms(use_true_random=False))
def test_delong_depends_on_ranks_alone_and_not_on_the_order_of_cases(case, random):
    scores, labels = case
    order = np.array(random.sample(range(len(labels)), len(labels)))
    plain, changed = delong(scores, labels), delong(np.exp(scores[:, order]), labels[order])
    np.testing.assert_allclose(changed.aurocs, plain.aurocs)
    np.testing.assert_allclose(changed.covariance, plain.covariance, atol=1e-15)


@given(cases())
def test_the_interval_of_mirrored_scores_is_mirrored(case):
    (scores,), labels = case
    plain, mirrored = auroc_interval(scores, labels), auroc_interval(-scores, labels)
    np.testing.assert_allclose((1 - mirrored.high, 1 - mirrored.low), (plain.low, plain.high), atol=1e-9)
    assert 0 <= plain.low <= plain.estimate <= plain.high <= 1


@given(cases(models=2))
def test_the_difference_and_its_test_follow_from_the_covariance(case):
    scores, labels = case
    areas, covariance = delong_by_definition(scores, labels)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assume(variance > 1e-12)
    test, interval = delong_test(*scores, labels), auroc_difference(*scores, labels)
    assert test.statistic == pytest.approx((areas[0] - areas[1]) / np.sqrt(variance), abs=1e-9)
    assert (interval.high - interval.low) / 2 == pytest.approx(1.959964 * np.sqrt(variance), rel=1e-6)
    assert interval.excludes(0) == (test.p < 0.05)


def test_perfect_separation_is_bounded_by_its_disjoint_pairs_not_certain():
    labels = np.repeat([0, 1], [30, 10])
    interval = auroc_interval(labels.astype(float), labels)
    assert interval.ends == pytest.approx((1, 0.025 ** (1 / 10), 1))
    assert auroc_interval(-labels, labels).ends == pytest.approx((0, 0, 1 - 0.025 ** (1 / 10)))


def test_a_constant_score_is_chance_without_sampling_error():
    labels = np.repeat([0, 1], [5, 7])
    assert auroc_interval(np.zeros(12), labels).ends == (0.5, 0.5, 0.5)


def test_scores_that_rank_alike_do_not_differ(rng):
    labels, scores = np.repeat([0, 1], 20), rng.normal(size=40)
    test = delong_test(scores, 3 * scores + 1, labels)
    assert (test.statistic, test.p) == (0, 1)
    assert auroc_difference(scores, 3 * scores + 1, labels).ends == (0, 0, 0)


def test_a_difference_without_variance_is_not_given_a_p_value():
    labels = np.repeat([0, 1], 5)
    with pytest.raises(InputError, match=r"difference 0\.5 is zero; expected scores that neither"):
        delong_test(labels, np.zeros(10), labels)


def test_infinite_scores_rank_like_any_other():
    assert auroc(np.array([-np.inf, 0.0, np.inf]), np.array([0, 0, 1])) == 1


@pytest.mark.parametrize("function", [auroc, auroc_interval])
@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([0.1, np.nan, 0.3, 0.4], [0, 0, 1, 1], "1 of 4 scores are NaN"),
        ([0.1, 0.2, 0.3, 0.4], [1, 1, 1, 1], "4 positives and 0 negatives"),
        ([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 2], "labels holds 2; expected only 0 and 1"),
    ],
)
def test_cases_without_an_auroc_are_refused(function, scores, labels, message):
    with pytest.raises(InputError, match=message):
        function(np.array(scores), np.array(labels))


@pytest.mark.parametrize("function", [auroc, auroc_interval])
def test_scores_and_labels_of_different_cases_are_refused(function, expect_refusal):
    with expect_refusal("scores has 4, labels has 5"):
        function(np.arange(4), np.array([0, 1, 0, 1, 1]))


def test_a_single_positive_has_an_auroc_but_no_variance():
    labels, scores = np.array([0, 0, 0, 1]), np.arange(4)
    assert auroc(scores, labels) == 1
    with pytest.raises(InputError, match="1 positives and 3 negatives; expected at least 2"):
        auroc_interval(scores, labels)
