"""From replies to a table of scores."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from medsuite.bench.finance.aggregate import Score, aggregate, macro_average
from medsuite.bench.finance.rules.number import EXACT, Tolerance
from medsuite.bench.finance.rules.score import axis_tolerance, score_rule
from medsuite.bench.finance.schema import Question, Task, Verdict

if TYPE_CHECKING:
    from rich.table import Table


def evaluate_replies(
    questions: Sequence[Question], replies: Sequence[str], estimates: Literal["axis", "released"] = "axis"
) -> list[Score]:
    """Score replies by rules and average them.

    Args:
        questions: The questions.
        replies: One reply for each.
        estimates: Estimates are right within 2 % of the visible axis (where it is known), or within 10 % of the value.
    """
    pairs = zip(questions, replies, strict=True)
    verdicts: list[Verdict] = [score_rule(q, reply, _tolerance(q, estimates)) for q, reply in pairs]
    return aggregate(questions, verdicts, np.random.default_rng(0))


def score_table(scores: Sequence[Score]) -> "Table":
    """Lay scores out for a terminal."""
    from rich.table import Table

    table = Table(title="Scores from 0 to 100, 95 % intervals over pictures")
    for column in ("group", "questions", "failed", "score", "interval"):
        table.add_column(column, justify="left" if column == "group" else "right")
    for score in scores:
        interval = score.interval
        ends = f"{interval.low:.1f} to {interval.high:.1f}"
        table.add_row(score.group, str(score.questions), str(score.failed), f"{interval.estimate:.1f}", ends)
    table.add_row("mean of tasks", "", "", f"{macro_average(scores):.1f}", "")
    return table


def _tolerance(question: Question, estimates: Literal["axis", "released"]) -> Tolerance:
    if question.task is not Task.ESTIMATED_CALCULATION:
        return EXACT
    if estimates == "axis" and question.axis_span is not None:
        return axis_tolerance(question)
    return Tolerance(relative=0.1)
