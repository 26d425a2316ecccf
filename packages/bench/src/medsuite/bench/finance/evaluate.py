"""From replies to a table of scores."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from medsuite.bench.finance.aggregate import Score, aggregate, macro_average
from medsuite.bench.finance.judging import JudgeCard, Judgement, joint_verdict
from medsuite.bench.finance.rules.number import EXACT, Tolerance
from medsuite.bench.finance.rules.score import axis_tolerance, score_rule
from medsuite.bench.finance.schema import Question, Task, Verdict
from medsuite.core.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table


def evaluate_replies(
    questions: Sequence[Question],
    replies: Sequence[str],
    estimates: Literal["axis", "released"] = "axis",
    judged: Mapping[str, Sequence[Judgement]] | None = None,
    *,
    prefer_judge: bool = False,
) -> list[Score]:
    """Score replies by rules, and by a judge what rules cannot score, and average them.

    Args:
        questions: The questions.
        replies: One reply for each.
        estimates: Estimates are right within 2 % of the visible axis (where it is known), or within 10 % of the value.
        judged: A judge's judgements by the question's index.
        prefer_judge: Whether the judge decides wherever it has judged, as in the released protocol; else the rules
            decide wherever they can.
    """
    judged = judged or {}
    verdicts: list[Verdict] = []
    for question, reply in zip(questions, replies, strict=True):
        verdict = score_rule(question, reply, _tolerance(question, estimates))
        wanted = verdict.state == "judge_only" or (prefer_judge and verdict.state == "scored")
        verdicts.append(joint_verdict(judged[question.index]) if wanted and question.index in judged else verdict)
    return aggregate(questions, verdicts, np.random.default_rng(0))


def for_a_judge(questions: Sequence[Question], replies: Sequence[str]) -> list[int]:
    """List the places of the answers that rules cannot score.

    Raises:
        InputError: There is none.
    """
    pairs = enumerate(zip(questions, replies, strict=True))
    places = [place for place, (question, reply) in pairs if score_rule(question, reply).state == "judge_only"]
    if not places:
        raise InputError("no answer needs a judge: rules score all of them", fix="have them judged with --every")
    return places


def card_table(card: JudgeCard) -> "Table":
    """Lay a judge's card out for a terminal."""
    from rich.table import Table

    table = Table(title="How far the judge can be trusted", show_header=False)
    table.add_row("answers, judgements of each", f"{card.answers}, {card.repeats}")
    table.add_row("judgements without a score", f"{card.failed:.1%}")
    table.add_row("mean score, those left out", f"{card.mean_failures_out:.1f}")
    table.add_row("mean score, those counted as 0", f"{card.mean_failures_zero:.1f}")
    if card.repeats > 1:
        table.add_row("pairs of judgements that agree", f"{card.exact_agreement:.1%}")
        table.add_row("weighted kappa of the first two", f"{card.kappa:.2f}")
    return table


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
