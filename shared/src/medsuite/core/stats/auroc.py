"""Area under the ROC curve: with weights, with DeLong's covariance of several scores, and their paired comparison."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from medsuite.core.errors import InputError
from medsuite.core.stats.checks import both_classes, confidence_level, same_length
from medsuite.core.stats.results import HypothesisTest, Interval


@dataclass(frozen=True, eq=False)
class DeLong:
    """AUROCs of several scores of the same cases, with the covariance of their estimates.

    Attributes:
        aurocs: Area under the ROC curve of each score.
        covariance: Covariance of the estimates.
        positives: Number of positive cases.
        negatives: Number of negative cases.
    """

    aurocs: Float[np.ndarray, "score"]
    covariance: Float[np.ndarray, "score score"]
    positives: int
    negatives: int


def weighted_auroc(
    scores: Shaped[np.ndarray, "case"],
    labels: Shaped[np.ndarray, "case"],
    weights: Float[np.ndarray, "resample case"],
) -> Float[np.ndarray, "resample"]:
    """Return the AUROC under each row of case weights; tied scores count half.

    The statistic to give to `bootstrap_weighted`: cases are sorted once for all resamples, so that B resamples
    of n cases cost O(n log n + B n). NaN where one class has no weight.

    Args:
        scores: Higher for cases that are more likely positive.
        labels: 1 or True for positive cases.
        weights: One row of weights per resample, at least 0.

    Raises:
        InputError: A score is NaN, a label is not binary, or the lengths differ.
    """
    same_length(scores=scores, labels=labels, weights=weights.T)
    positive = both_classes(labels, "labels")
    ranked = _ranked(scores)
    order = np.argsort(ranked, kind="stable")
    starts = _starts_of_ties(ranked[order])
    sorted_weights = weights[:, order]
    of_positives = np.add.reduceat(sorted_weights * positive[order], starts, axis=1)
    of_negatives = np.add.reduceat(sorted_weights * ~positive[order], starts, axis=1)
    below = np.cumsum(of_negatives, axis=1) - of_negatives / 2
    pairs = of_positives.sum(axis=1) * of_negatives.sum(axis=1)
    wins = (of_positives * below).sum(axis=1)
    return np.divide(wins, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)


def auroc(scores: Shaped[np.ndarray, "case"], labels: Shaped[np.ndarray, "case"]) -> float:
    """Return the probability that a positive case scores higher than a negative one; ties count half. O(n log n).

    Args:
        scores: Higher for cases that are more likely positive.
        labels: 1 or True for positive cases.

    Raises:
        InputError: A score is NaN, or a class is empty.
    """
    return float(weighted_auroc(scores, labels, np.ones((1, len(labels))))[0])


def delong(scores: Shaped[np.ndarray, "score case"], labels: Shaped[np.ndarray, "case"]) -> DeLong:
    """Return the AUROC of each score and DeLong's covariance (DeLong et al. 1988) by midranks (Sun and Xu 2014).

    With m positives, n negatives and R the midrank among all cases, Rₚ among the positives and Rₙ among the
    negatives, the placements are V₁₀ = (R - Rₚ) / n of positives and V₀₁ = 1 - (R - Rₙ) / m of negatives. Their means
    are the AUROC, and the covariance is cov(V₁₀) / m + cov(V₀₁) / n. O(k N log N) for k scores of N cases, where the
    definition is O(k m n).

    Args:
        scores: One row per model, each higher for cases that are more likely positive.
        labels: 1 or True for positive cases.

    Raises:
        InputError: A score is NaN, or a class has fewer than two cases, so that it has no variance.
    """
    from scipy.stats import rankdata

    same_length(scores=scores.T, labels=labels)
    positive = both_classes(labels, "labels", least=2)
    ranked = _ranked(scores)
    ranks = rankdata(ranked, axis=1)
    m, n = int(positive.sum()), int((~positive).sum())
    of_positives = (ranks[:, positive] - rankdata(ranked[:, positive], axis=1)) / n
    of_negatives = 1 - (ranks[:, ~positive] - rankdata(ranked[:, ~positive], axis=1)) / m
    covariance = np.atleast_2d(np.cov(of_positives)) / m + np.atleast_2d(np.cov(of_negatives)) / n
    return DeLong(of_positives.mean(axis=1), covariance, m, n)


def auroc_interval(
    scores: Shaped[np.ndarray, "case"], labels: Shaped[np.ndarray, "case"], *, level: float = 0.95
) -> Interval:
    """Return the AUROC with DeLong's interval on the logit scale, which stays within (0, 1) (Pepe 2003, p. 107).

    The limits are those of logit A ± z √var(A) / (A (1 - A)). When the classes are separated perfectly DeLong's
    variance is zero; the interval then is Clopper and Pearson's for min(m, n) disjoint pairs of a positive and a
    negative that all came out the same way: its lower end is (α/2)^(1 / min(m, n)). A constant score has AUROC 0.5
    by definition, without sampling error.

    Args:
        scores: Higher for cases that are more likely positive.
        labels: 1 or True for positive cases.
        level: Confidence level.

    Raises:
        InputError: A score is NaN, or a class has fewer than two cases.
    """
    from scipy.special import expit, logit, ndtri

    result, tail = delong(scores[None], labels), (1 - confidence_level(level)) / 2
    estimate, error = float(result.aurocs[0]), float(np.sqrt(result.covariance[0, 0]))
    if estimate in (0.0, 1.0):
        worst = tail ** (1 / min(result.positives, result.negatives))
        low, high = (worst, 1.0) if estimate == 1 else (0.0, 1 - worst)
        return Interval(estimate, low, high, level, len(labels), "exact bound of perfect separation")
    half = -ndtri(tail) * error / (estimate * (1 - estimate))
    low, high = (float(expit(logit(estimate) + side * half)) for side in (-1, 1))
    return Interval(estimate, low, high, level, len(labels), "DeLong, logit scale")


def auroc_difference(
    first: Shaped[np.ndarray, "case"],
    second: Shaped[np.ndarray, "case"],
    labels: Shaped[np.ndarray, "case"],
    *,
    level: float = 0.95,
) -> Interval:
    """Return the difference of two AUROCs of the same cases, A₁ - A₂, with DeLong's normal interval.

    Args:
        first: Scores of one model.
        second: Scores of the other model for the same cases.
        labels: 1 or True for positive cases.
        level: Confidence level.

    Raises:
        InputError: A score is NaN, a class has fewer than two cases, or the difference has no variance.
    """
    from scipy.special import ndtri

    difference, error = _difference(first, second, labels)
    half = -float(ndtri((1 - confidence_level(level)) / 2)) * error
    return Interval(difference, difference - half, difference + half, level, len(labels), "DeLong")


def delong_test(
    first: Shaped[np.ndarray, "case"], second: Shaped[np.ndarray, "case"], labels: Shaped[np.ndarray, "case"]
) -> HypothesisTest:
    """Test that two scores of the same cases have the same AUROC (DeLong et al. 1988); the statistic is z of A₁ - A₂.

    Scores that rank the cases alike have z = 0 and p = 1.

    Args:
        first: Scores of one model.
        second: Scores of the other model for the same cases.
        labels: 1 or True for positive cases.

    Raises:
        InputError: A score is NaN, a class has fewer than two cases, or the difference has no variance.
    """
    from scipy.special import ndtr

    difference, error = _difference(first, second, labels)
    z = difference / error if error else 0.0
    return HypothesisTest(z, float(2 * ndtr(-abs(z))), len(labels), "DeLong test")


def _difference(
    first: Shaped[np.ndarray, "case"], second: Shaped[np.ndarray, "case"], labels: Shaped[np.ndarray, "case"]
) -> tuple[float, float]:
    same_length(first=first, second=second, labels=labels)
    result = delong(np.stack([first, second]), labels)
    contrast = np.array([1.0, -1.0])
    difference, variance = float(contrast @ result.aurocs), float(contrast @ result.covariance @ contrast)
    if variance > 1e-14:
        return difference, float(np.sqrt(variance))
    if abs(difference) < 1e-12:
        return 0.0, 0.0
    raise InputError(
        f"DeLong's variance of the difference {difference:g} is zero",
        expected="scores that neither separate the classes perfectly nor are constant",
        fix="report auroc_interval of each score instead",
    )


def _ranked(scores: Shaped[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    values = np.asarray(scores, dtype=np.float64)
    missing = int(np.isnan(values).sum())
    if missing:
        fix = "drop those cases, or give them the score that a failure deserves, and say which"
        raise InputError(f"{missing} of {values.size} scores are NaN", expected="scores that can be ranked", fix=fix)
    return values


def _starts_of_ties(ordered: Float[np.ndarray, "case"]) -> Int[np.ndarray, "group"]:
    changes = np.ones(len(ordered), dtype=bool)
    changes[1:] = ordered[1:] != ordered[:-1]
    return np.flatnonzero(changes)
