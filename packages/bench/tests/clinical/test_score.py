"""Scores against scikit-learn, failures three ways, and what must not be compared."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from medsuite.bench.clinical.predictions import Predictions, read_predictions, write_predictions
from medsuite.bench.clinical.score import align, bootstrap_p, score, with_failures
from medsuite.core.errors import InputError


def make(
    model: str, labels: tuple[int, ...] = (0, 1), seed: int = 0, signal: float = 1.0, failed: int = 0
) -> Predictions:
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(9).choice(labels, 150)
    logits = signal * (truth[:, None] == np.array(labels)) + rng.normal(size=(150, len(labels)))
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    state, label = np.full(150, "answered", dtype="<U12"), np.array(labels)[probability.argmax(axis=1)]
    state[:failed], label[:failed], probability[:failed] = "unparsable", -1, np.nan
    majority = labels[0]
    return Predictions(model, "death (24 h)", labels, np.arange(150), truth, state, label, probability, majority, {})


@pytest.mark.parametrize("labels", [(0, 1), (1, 2, 3)])
def test_scores_are_those_of_scikit_learn(labels: tuple[int, ...]) -> None:
    one, other = make("a", labels), make("b", labels, seed=1)
    first, second = score([one, other], baseline="a", resamples=200)
    assert first.auroc.estimate == pytest.approx(roc_auc_score(one.truth == labels[-1], one.probability[:, -1]))
    average = "binary" if len(labels) == 2 else "macro"
    assert second.f1.estimate == pytest.approx(f1_score(other.truth, other.label, average=average))
    assert second.difference is not None
    assert second.difference.estimate == pytest.approx(second.auroc.estimate - first.auroc.estimate)
    assert first.difference is first.p is None


def test_failures_count_three_ways() -> None:
    one = make("a", failed=30)
    survivors, majority, worst = (with_failures(one, way) for way in ("survivors", "majority", "worst"))
    assert len(survivors) == 120
    assert set(majority.label[:30]) == {0}
    assert majority.probability[:30] == pytest.approx(np.tile(one.probability[30:].mean(axis=0), (30, 1)))
    assert np.all(worst.label[:30] != worst.truth[:30])
    aurocs = [roc_auc_score(given.truth, given.probability[:, 1]) for given in (survivors, majority, worst)]
    assert aurocs[0] > aurocs[1] > aurocs[2]


def test_the_fill_in_does_not_look_at_the_truth() -> None:
    one = make("a", failed=30)
    flipped = replace(one, truth=1 - one.truth)
    for name in ("label", "probability"):
        first, second = (getattr(with_failures(given, "majority"), name) for given in (one, flipped))
        np.testing.assert_array_equal(first, second)


def test_survivors_are_the_same_patients_for_all() -> None:
    scores = score([make("a"), make("b", seed=1, failed=30)], baseline="a", failures="survivors", resamples=200)
    assert [one.patients for one in scores] == [120, 120]


def test_a_real_advantage_is_found_and_a_twin_has_none() -> None:
    base = make("base", signal=0.2)
    good, twin = make("good", seed=1, signal=3.0), replace(base, model="twin")
    scores = {one.model: one for one in score([base, good, twin], baseline="base")}
    assert scores["good"].difference.low > 0
    assert scores["good"].p < 0.05
    assert scores["twin"].p == 1.0


def test_p_counts_the_rarer_side_of_zero() -> None:
    assert bootstrap_p(np.array([0.1] * 99)) == pytest.approx(0.02)
    assert bootstrap_p(np.array([0.1] * 49 + [-0.1] * 50)) == 1.0


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (replace(make("b"), task="death (retrospective)"), "one task and one view"),
        (make("a"), "two files of a model called 'a'"),
        (replace(make("b"), subject_id=np.arange(5, 155)), "has no prediction for 5 test patients of"),
    ],
)
def test_what_must_not_be_compared_is_refused(other: Predictions, message: str) -> None:
    with pytest.raises(InputError, match=message):
        score([make("a"), other], baseline="a")


def test_a_model_that_was_asked_about_fewer_patients_cuts_the_others() -> None:
    few = make("few")
    chosen = np.arange(10, 90)
    columns = ("subject_id", "truth", "state", "label", "probability")
    few = replace(few, **{name: getattr(few, name)[chosen] for name in columns})
    first, second = align([make("all"), few])
    np.testing.assert_array_equal(first.subject_id, second.subject_id)
    np.testing.assert_array_equal(first.probability, make("all").probability[chosen])


def test_too_few_events_are_refused_with_their_number() -> None:
    one = make("a")
    rare = replace(one, truth=(np.arange(150) < 7).astype(int))
    with pytest.raises(InputError, match="7 test patients with label 1; expected at least 20"):
        score([rare], baseline="a")


def test_mistakes_are_named() -> None:
    with pytest.raises(InputError, match="unknown baseline 'c'"):
        score([make("a")], baseline="c")
    with pytest.raises(InputError, match="did you mean 'worst'"):
        with_failures(make("a"), "wurst")
    with pytest.raises(InputError, match="a answered nothing"):
        with_failures(make("a", failed=150), "survivors")


def test_predictions_survive_their_file(tmp_path: Path) -> None:
    one = make("a", failed=3)
    write_predictions(tmp_path / "a.jsonl", one)
    found = read_predictions(tmp_path / "a.jsonl")
    assert (found.model, found.labels, found.majority) == ("a", (0, 1), 0)
    for name in ("subject_id", "truth", "state", "label", "probability"):
        np.testing.assert_array_equal(getattr(found, name), getattr(one, name))


@pytest.mark.parametrize(
    ("content", "message"), [(None, "does not exist"), ("{", "no file of predictions"), ("", "no file")]
)
def test_a_file_that_holds_no_predictions_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "x.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_predictions(path)


def shuffled(one: Predictions, seed: int = 0) -> Predictions:
    order = np.random.default_rng(seed).permutation(len(one))
    columns = ("subject_id", "truth", "state", "label", "probability")
    return replace(one, **{name: getattr(one, name)[order] for name in columns})


def test_the_order_of_the_lines_of_a_file_does_not_matter() -> None:
    pair = [make("a"), make("b", seed=1)]
    straight = score(pair, baseline="a", resamples=100)
    mixed = score([shuffled(pair[0], 1), shuffled(pair[1], 2)], baseline="a", resamples=100)
    assert straight == mixed


def test_two_truths_about_one_patient_and_two_lines_for_one_are_refused() -> None:
    one, other = make("a"), make("b", seed=1)
    flipped = other.truth.copy()
    flipped[7] = 1 - flipped[7]
    with pytest.raises(InputError, match="disagree about what happened to patient 7"):
        score([one, replace(other, truth=flipped)], baseline="a")
    doubled = other.subject_id.copy()
    doubled[3] = 4
    with pytest.raises(InputError, match="b has two predictions for a patient"):
        score([one, replace(other, subject_id=doubled)], baseline="a")


def test_an_answer_without_a_probability_is_refused() -> None:
    one = make("a")
    holed = one.probability.copy()
    holed[5] = np.nan
    with pytest.raises(InputError, match="b has answers without a probability"):
        score([one, replace(make("b"), probability=holed)], baseline="a")


@pytest.mark.parametrize("change", [{"labels": (0, 1, 2)}, {"truth": np.full(150, 7)}])
def test_a_file_whose_rows_do_not_fit_its_labels_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    write_predictions(tmp_path / "a.jsonl", replace(make("a"), **change))
    with pytest.raises(InputError, match="has other labels than"):
        read_predictions(tmp_path / "a.jsonl")
