"""Scores of a run: the released average, the mean of tasks, and tables by task, type and style, with intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from medsuite.bench.finance.schema import Question, Task, Verdict
from medsuite.core.errors import InputError
from medsuite.core.stats import Interval, bootstrap_sums, ratio, sum_by_unit

FAILED_STATES = frozenset({"judge_failed", "no_answer"})


@dataclass(frozen=True)
class Score:
    """One cell of a score table.

    Attributes:
        group: What is averaged, such as `task ANC`.
        questions: Number of questions with a verdict.
        failed: How many of them have no score because the model or the judge failed.
        interval: Mean score from 0 to 100 with failures counted as 0, as released, and its interval over pictures.
        without_failures: Mean over the others.
    """

    group: str
    questions: int
    failed: int
    interval: Interval
    without_failures: float


def aggregate(questions: Sequence[Question], verdicts: Sequence[Verdict], rng: np.random.Generator) -> list[Score]:
    """Average verdicts over all questions, by task, type and style.

    The first row is the released overall score, 20 x mean of scores from 0 to 5 over all questions. Questions that
    rules cannot score (`judge_only`) are left out of every row. Intervals resample pictures, since the questions about
    one picture are not independent.

    Raises:
        InputError: There are no scored verdicts, or not as many verdicts as questions.
    """
    if len(questions) != len(verdicts):
        raise InputError(f"{len(verdicts)} verdicts for {len(questions)} questions", expected="one for each")
    pairs = [pair for pair in zip(questions, verdicts, strict=True) if pair[1].state != "judge_only"]
    if not pairs:
        raise InputError("no question has a score", fix="judge the answers: rules do not score paragraphs")
    rows = [_score("all questions", pairs, rng), _score("without NA", _where(pairs, _is_answerable), rng)]
    keys: tuple[tuple[str, Callable[[Question], str]], ...] = (
        ("task", lambda question: question.task),
        ("type", lambda question: question.image_type),
        ("style", lambda question: question.image_style),
    )
    for name, key in keys:
        groups: dict[str, list[tuple[Question, Verdict]]] = {}
        for pair in pairs:
            groups.setdefault(key(pair[0]), []).append(pair)
        rows += [_score(f"{name} {value}", members, rng) for value, members in groups.items()]
    return [row for row in rows if row is not None]


def macro_average(scores: Sequence[Score]) -> float:
    """Average the rows of tasks with equal weight: one task, one vote."""
    return float(np.mean([score.interval.estimate for score in scores if score.group.startswith("task ")]))


def _is_answerable(question: Question) -> bool:
    return question.task is not Task.NOT_APPLICABLE


def _where(
    pairs: Sequence[tuple[Question, Verdict]], keep: Callable[[Question], bool]
) -> list[tuple[Question, Verdict]]:
    return [pair for pair in pairs if keep(pair[0])]


def _score(group: str, pairs: Sequence[tuple[Question, Verdict]], rng: np.random.Generator) -> Score | None:
    if not pairs:
        return None
    values = np.array([100 * verdict.score for _, verdict in pairs])
    failed = np.array([verdict.state in FAILED_STATES for _, verdict in pairs])
    kept = values[~failed]
    without = float(kept.mean()) if len(kept) else float("nan")
    return Score(group, len(pairs), int(failed.sum()), _interval(pairs, values, rng), without)


def _interval(pairs: Sequence[tuple[Question, Verdict]], values: np.ndarray, rng: np.random.Generator) -> Interval:
    """Bootstrap over pictures; one picture alone gives no interval."""
    pictures = np.array([question.picture for question, _ in pairs])
    if len(set(pictures)) < 2:
        return Interval(float(values.mean()), float("nan"), float("nan"), 0.95, 1, "none: one picture")
    sums = sum_by_unit(np.stack([values, np.ones_like(values)], 1), pictures)
    return bootstrap_sums(ratio, sums, rng=rng, method="percentile")
