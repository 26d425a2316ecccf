"""Averages of verdicts."""

from dataclasses import replace

import numpy as np
import pytest

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
