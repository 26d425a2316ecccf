"""Scores of predictions with intervals over patients, failures counted three ways, and comparisons in pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from jaxtyping import Float

from medsuite.bench.clinical.predictions import Predictions
from medsuite.core.errors import InputError, unknown_name
from medsuite.core.stats import (
    Interval,
    bootstrap_distribution,
    bootstrap_sums,
    bootstrap_weighted,
    holm,
    weighted_auroc,
)

if TYPE_CHECKING:
    from rich.table import Table

Failures = Literal["survivors", "majority", "worst"]
LEAST_EVENTS = 20
"""Below this many patients in a class no score is given."""


@dataclass(frozen=True)
class Score:
    """Scores of one model.

    Attributes:
        model: Its name.
        patients: How many were scored.
        failed: How many had no answer.
        auroc: Of the last label against the others.
        f1: Of the positive label of two, the mean over labels of three.
        difference: AUROC minus the baseline's, in pairs; None for the baseline.
        p: Of that difference, by the bootstrap, after Holm over all models; None for the baseline.
    """

    model: str
    patients: int
    failed: int
    auroc: Interval
    f1: Interval
    difference: Interval | None = None
    p: float | None = None


def with_failures(predictions: Predictions, failures: str) -> Predictions:
    """Fill in or leave out what was not answered.

    Args:
        predictions: Of one model.
        failures: `survivors` leaves failures out; `majority` gives them the training majority and the mean probability
            of the answered, without a look at the truth; `worst` gives them a wrong label and the worst probability.

    Raises:
        InputError: The name is unknown, or nobody answered and survivors are to be scored.
    """
    if failures not in get_args(Failures):
        raise unknown_name("way to count failures", failures, get_args(Failures))
    done = predictions.answered
    if failures == "survivors":
        if not done.any():
            raise InputError(f"{predictions.model} answered nothing", expected="failures counted as majority or worst")
        columns = ("subject_id", "truth", "state", "label", "probability")
        return _replaced(predictions, **{name: getattr(predictions, name)[done] for name in columns})
    labels = np.array(predictions.labels)
    right = predictions.truth[:, None] == labels
    if failures == "worst":
        # All but the right label share the probability: no ranking can be worse.
        label, probability = labels[right.argmin(axis=1)], ~right / (len(labels) - 1)
    else:
        label = np.full(len(done), predictions.majority)
        mean = predictions.probability[done].mean(axis=0) if done.any() else np.full(len(labels), 1 / len(labels))
        probability = np.broadcast_to(mean, right.shape)
    return _replaced(
        predictions,
        label=np.where(done, predictions.label, label),
        probability=np.where(done[:, None], predictions.probability, probability),
    )


def score(
    predictions: Sequence[Predictions], baseline: str, failures: str = "majority", resamples: int = 2000
) -> list[Score]:
    """Score models of one task and view, and compare each with a baseline in pairs of patients.

    Args:
        predictions: One for each model.
        baseline: Name of the model that the others are compared with.
        failures: How failures count; see `with_failures`.
        resamples: Of the bootstrap over patients, stratified by label.

    Raises:
        InputError: Two models cannot be compared (see `align`), a class has under 20 patients, the baseline is not
            among the models, or an answer has no probability.
    """
    names = [one.model for one in predictions]
    if baseline not in names:
        raise unknown_name("baseline", baseline, names)
    predictions = align(predictions)
    if failures == "survivors":
        # The same patients for all: a model must not gain by failing on the hard ones.
        done = np.logical_and.reduce([one.answered for one in predictions])
        predictions = [_replaced(one, state=np.where(done, "answered", "left out")) for one in predictions]
    failed = [int((~one.answered).sum()) for one in predictions]
    filled = [with_failures(one, failures) for one in predictions]
    for one in filled:
        if not np.isfinite(one.probability).all():
            raise InputError(f"{one.model} has answers without a probability", fix="make its predictions again")
    _check_events(filled[0])
    base = filled[names.index(baseline)]
    others = [one for one in filled if one is not base]
    tests = np.array([_p(one, base, resamples) for one in others])
    adjusted = dict(zip((one.model for one in others), holm(tests).tolist() if others else [], strict=True))
    counted = zip(filled, failed, strict=True)
    return [_score(one, base, count, adjusted.get(one.model), resamples) for one, count in counted]


def align(predictions: Sequence[Predictions]) -> list[Predictions]:
    """Put models in one order of patients, cut to those of the model that was asked about fewest.

    Raises:
        InputError: Two models saw another task or another view, have the same name, different test patients or another
            truth about one; or a model has two predictions for a patient.
    """
    columns = ("subject_id", "truth", "state", "label", "probability")
    orders = [np.argsort(one.subject_id, kind="stable") for one in predictions]
    predictions = [
        _replaced(one, **{name: getattr(one, name)[order] for name in columns})
        for one, order in zip(predictions, orders, strict=True)
    ]
    first = min(predictions, key=len)
    names = [one.model for one in predictions]
    for one in (one for one in predictions if one.task != first.task):
        raise InputError(
            f"{one.model} was scored on {one.task}, {first.model} on {first.task}",
            expected="one task and one view: what one model sees must not be held against another",
        )
    for one in predictions:
        if names.count(one.model) > 1:
            raise InputError(f"two files of a model called {one.model!r}", fix="name one of them with --name")
        if len(np.unique(one.subject_id)) < len(one):
            raise InputError(f"{one.model} has two predictions for a patient", expected="one line a patient")
        missing = np.setdiff1d(first.subject_id, one.subject_id)
        if len(missing):
            raise InputError(
                f"{one.model} has no prediction for {len(missing)} test patients of {first.model}",
                expected="the same test patients: the same folder, task and seed",
            )
    kept = [np.isin(one.subject_id, first.subject_id) for one in predictions]
    cut = [
        _replaced(one, **{name: getattr(one, name)[mask] for name in columns})
        for one, mask in zip(predictions, kept, strict=True)
    ]
    for one in cut:
        if (one.truth != first.truth).any():
            subject = int(one.subject_id[one.truth != first.truth][0])
            raise InputError(
                f"{one.model} and {first.model} disagree about what happened to patient {subject}",
                expected="predictions for one cohort",
            )
    return cut


def score_table(scores: Sequence[Score], title: str) -> "Table":
    """Lay scores out for a terminal, best AUROC first."""
    from rich.table import Table

    table = Table(title=f"{title}, {scores[0].patients} patients", box=None, pad_edge=False)
    table.add_column("model", min_width=14)
    for column in ("failed", "AUROC", "F1", "minus baseline", "p (Holm)"):
        table.add_column(column, justify="right")
    for one in sorted(scores, key=lambda score: -score.auroc.estimate):
        gap = "" if one.difference is None else _three(one.difference, sign="+")
        p = "" if one.p is None else ("< 0.001" if one.p < 0.001 else f"{one.p:.3f}")
        table.add_row(one.model, str(one.failed), _three(one.auroc), _three(one.f1), gap, p)
    return table


def f1_of_sums(sums: Float[np.ndarray, "resample column"], binary: bool) -> Float[np.ndarray, " resample"]:
    """F1 from sums of hits, predictions and truths, one after the other for all labels; 0 where none is right.

    F1 = 2 hits / (predicted + true); of the last label where `binary`, else the mean over labels.
    """
    hits, predicted, true = np.split(sums, 3, axis=1)
    total = predicted + true
    each = np.divide(2 * hits, total, out=np.zeros_like(total, dtype=float), where=total > 0)
    return each[:, -1] if binary else each.mean(axis=1)


def _score(one: Predictions, base: Predictions, failed: int, p: float | None, resamples: int) -> Score:
    positive = one.truth == one.labels[-1]
    scores = one.probability[:, -1]

    def interval(statistic: object) -> Interval:
        return bootstrap_weighted(
            statistic,  # type: ignore[arg-type]
            len(one),
            rng=np.random.default_rng(0),
            resamples=resamples,
            method="percentile",
            strata=one.truth,
        )

    area = interval(lambda weights: weighted_auroc(scores, positive, weights))
    difference = None
    if one is not base:
        other = base.probability[:, -1]
        difference = interval(
            lambda weights: weighted_auroc(scores, positive, weights) - weighted_auroc(other, positive, weights)
        )
    labels = np.array(one.labels)
    guessed, true = one.label[:, None] == labels, one.truth[:, None] == labels
    f1 = bootstrap_sums(
        lambda sums: f1_of_sums(sums, binary=len(labels) == 2),
        np.hstack([guessed & true, guessed, true]).astype(float),
        rng=np.random.default_rng(0),
        resamples=resamples,
        method="percentile",
        strata=one.truth,
    )
    return Score(one.model, len(one), failed, area, f1, difference, p)


def bootstrap_p(draws: Float[np.ndarray, " resample"]) -> float:
    """Two-sided p-value of a difference from its bootstrap distribution.

    Twice the share of resamples on the rarer side of 0, counting the sample itself; at least 2 / (resamples + 1).
    """
    rarer = min((draws <= 0).sum(), (draws >= 0).sum())
    return float(min(1.0, 2 * (1 + rarer) / (1 + len(draws))))


def _p(one: Predictions, base: Predictions, resamples: int) -> float:
    positive = one.truth == one.labels[-1]

    def difference(weights: Float[np.ndarray, "resample patient"]) -> Float[np.ndarray, " resample"]:
        first, second = one.probability[:, -1], base.probability[:, -1]
        return weighted_auroc(first, positive, weights) - weighted_auroc(second, positive, weights)

    rng = np.random.default_rng(0)
    return bootstrap_p(bootstrap_distribution(difference, len(one), rng=rng, resamples=resamples, strata=one.truth))


def _check_events(one: Predictions) -> None:
    for label in one.labels:
        count = int((one.truth == label).sum())
        if count < LEAST_EVENTS:
            raise InputError(f"{count} test patients with label {label}", expected=f"at least {LEAST_EVENTS}")


def _replaced(one: Predictions, **columns: object) -> Predictions:
    return Predictions(**{**vars(one), **columns})


def _three(interval: Interval, sign: str = "") -> str:
    estimate, low, high = (f"{value:.3f}".replace("0.", ".", 1) for value in interval.ends)
    return f"{sign if interval.estimate > 0 else ''}{estimate} [{low}, {high}]"
