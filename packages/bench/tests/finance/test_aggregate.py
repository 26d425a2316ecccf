"""Averages of verdicts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.bench.finance.aggregate import aggregate, macro_average
from medsuite.bench.finance.evaluate import evaluate_replies
from medsuite.bench.finance.schema import Question, Task, Verdict
from medsuite.core.errors import InputError

BASE = Question("1", "a.png", "table", "computer", Task.OCR, "?", "1", "en")
QUESTIONS = [
    replace(BASE, index=str(number), picture=f"{number // 2}.png", task=task)
    for number, task in enumerate([Task.OCR] * 6 + [Task.NOT_APPLICABLE] * 2)
]
SCORES = [1.0, 1.0, 1.0, 0.0, 0.5, 0.0, 1.0, 1.0]


def verdicts() -> list[Verdict]:
    return [Verdict(score, "scored", "") for score in SCORES]


def test_the_overall_score_counts_every_question_once() -> None:
    scores = aggregate(QUESTIONS, verdicts(), np.random.default_rng(0))
    rows = {score.group: score for score in scores}
    assert rows["all questions"].interval.estimate == pytest.approx(100 * np.mean(SCORES))
    assert rows["without NA"].interval.estimate == pytest.approx(100 * np.mean(SCORES[:6]))
    assert macro_average(scores) == pytest.approx(100 * (np.mean(SCORES[:6]) + 1) / 2)


def test_the_interval_resamples_pictures_and_not_questions() -> None:
    doubled = [replace(question, index=f"{question.index}b") for question in QUESTIONS]
    once = aggregate(QUESTIONS, verdicts(), np.random.default_rng(0))[0].interval
    twice = aggregate(QUESTIONS + doubled, verdicts() * 2, np.random.default_rng(0))[0].interval
    assert once.ends == pytest.approx(twice.ends)
    assert once.n == 4


def test_failures_are_counted_and_shown_both_ways() -> None:
    failed = [Verdict(0.0, "judge_failed", ""), *verdicts()[1:]]
    overall = aggregate(QUESTIONS, failed, np.random.default_rng(0))[0]
    assert overall.failed == 1
    assert overall.interval.estimate == pytest.approx(100 * sum(SCORES[1:]) / 8)
    assert overall.without_failures == pytest.approx(100 * np.mean(SCORES[1:]))


def test_paragraphs_are_left_out_and_nothing_to_average_is_an_error() -> None:
    paragraphs = [Verdict(0.0, "judge_only", "")] * 8
    with pytest.raises(InputError, match="no question has a score"):
        aggregate(QUESTIONS, paragraphs, np.random.default_rng(0))
    with pytest.raises(InputError, match="7 verdicts for 8 questions"):
        aggregate(QUESTIONS, verdicts()[1:], np.random.default_rng(0))


def test_an_estimate_is_scored_by_the_axis_or_by_the_released_tenth() -> None:
    estimate = replace(BASE, task=Task.ESTIMATED_CALCULATION, answer="100", axis_span=10.0)
    other = replace(estimate, picture="b.png")
    assert evaluate_replies([estimate, other], ["100.1", "105"])[0].interval.estimate == 50
    assert evaluate_replies([estimate, other], ["100.1", "105"], "released")[0].interval.estimate == 100


@given(seed=st.integers(0, 10**6), count=st.integers(2, 30))
def test_every_row_is_the_mean_of_its_questions_by_a_plain_loop(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    states = ("scored", "scored", "judge_failed", "no_answer", "judge_only")
    questions, found = [], []
    for number in range(count):
        task = list(Task)[int(rng.integers(len(Task)))]
        kind, style = (str(rng.choice(names)) for names in (["table", "mixed"], ["computer", "photograph"]))
        questions.append(
            replace(
                BASE, index=str(number), picture=f"{rng.integers(5)}.png", task=task, image_type=kind, image_style=style
            )
        )
        state = str(rng.choice(states))
        found.append(Verdict(float(rng.choice([0.0, 0.4, 1.0])) if state == "scored" else 0.0, state, ""))  # type: ignore[arg-type]
    kept = [(q, v) for q, v in zip(questions, found, strict=True) if v.state != "judge_only"]
    if not kept:
        return
    expected: dict[str, list[Verdict]] = {"all questions": [v for _, v in kept]}
    for question, verdict in kept:
        groups = [f"task {question.task}", f"type {question.image_type}", f"style {question.image_style}"]
        for group in groups + ["without NA"] * (question.task is not Task.NOT_APPLICABLE):
            expected.setdefault(group, []).append(verdict)
    rows = {row.group: row for row in aggregate(questions, found, np.random.default_rng(0))}
    assert set(rows) == set(expected)
    for group, members in expected.items():
        row, alive = rows[group], [v.score for v in members if v.state == "scored"]
        assert (row.questions, row.failed) == (len(members), len(members) - len(alive))
        assert row.interval.estimate == pytest.approx(100 * sum(alive) / len(members))
        assert row.without_failures == pytest.approx(100 * np.mean(alive) if alive else np.nan, nan_ok=True)
