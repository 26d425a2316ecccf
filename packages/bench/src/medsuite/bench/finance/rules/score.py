"""The rule scorer: choose the comparison by the reference answer, and say why a reply is right or wrong."""

from medsuite.bench.finance.rules.dates import date_is_right, dates
from medsuite.bench.finance.rules.number import EXACT, Tolerance, number_is_right, reference_quantity
from medsuite.bench.finance.rules.text import is_failure, plain
from medsuite.bench.finance.rules.words import choice_is_right, is_abstention, set_score, text_is_right
from medsuite.bench.finance.schema import Question, Task, Verdict
from medsuite.core.errors import InputError

JUDGED_TASKS = frozenset(
    {Task.IMAGE_CAPTION, Task.RISK_WARNING, Task.INVESTMENT_ADVICE, Task.REASON_EXPLANATION, Task.FINANCIAL_QUESTION}
)
"""Tasks whose answers are paragraphs: no rule decides them."""
LONGEST_TEXT = 60
"""Characters of a reference that is still a word or phrase; a longer one is left to a judge."""


def axis_tolerance(question: Question, share: float = 0.02) -> Tolerance:
    """Allow a share of the visible axis, for numbers that must be read off one.

    Raises:
        InputError: The question says nothing about its axis.
    """
    if question.axis_span is None:
        raise InputError(f"question {question.index} has no axis span", expected="a generated estimation question")
    return Tolerance(absolute=share * question.axis_span)


def score_rule(question: Question, reply: str, tolerance: Tolerance = EXACT) -> Verdict:
    """Score a reply by rules.

    `<OR>` in the reference takes the best of its parts, empty ones left out. `<AND>` asks for every part and for
    nothing beside them, in any order. A question without options whose reference is a date, a number or a phrase is
    compared as such; all else is left to a judge.

    Args:
        question: Question with its reference answer.
        reply: The model's words.
        tolerance: For numbers; `axis_tolerance` and `Tolerance(relative=0.1)` are the usual others.
    """
    if is_failure(reply):
        return Verdict(0.0, "no_answer", "the reply is an evaluation kit's failure message")
    if not plain(reply):
        return Verdict(0.0, "empty", "the reply is empty")
    if question.task is Task.NOT_APPLICABLE:
        right = is_abstention(reply, question.options)
        return Verdict(float(right), "scored", "abstains" if right else "does not abstain, or hedges")
    if question.task in JUDGED_TASKS:
        return Verdict(0.0, "judge_only", f"{question.task} answers are paragraphs")
    alternatives = [part.strip() for part in question.answer.split("<OR>") if plain(part)]
    if not alternatives:
        return Verdict(0.0, "judge_only", "the reference is empty")
    return max(
        (_score_one(question, part, reply, tolerance) for part in alternatives), key=lambda verdict: verdict.score
    )


def _score_one(question: Question, reference: str, reply: str, tolerance: Tolerance) -> Verdict:
    parts = [part.strip() for part in reference.split("<AND>") if part.strip()]
    if question.options:
        # Periods among which one is chosen may be written otherwise than in the picture.
        dated = bool(dates(reference)) and date_is_right(reply, reference)
        right = dated or choice_is_right(reply, reference, question.options)
        return _verdict(right, f"names {reference!r} alone", "names another option, several or none")
    if len(parts) > 1:
        score = set_score(reply, parts)
        return Verdict(score, "scored", f"{score:.0%} of named and expected parts agree")
    if dates(reference):
        return _verdict(date_is_right(reply, reference), "the date agrees", "another date, several or none")
    if reference_quantity(reference) is not None:
        right = number_is_right(reply, reference, tolerance)
        return _verdict(right, "the value agrees", "another value, several, none, or another kind")
    if len(reference) <= LONGEST_TEXT:
        return _verdict(text_is_right(reply, reference), "the text agrees", "another text")
    return Verdict(0.0, "judge_only", "the reference is a paragraph")


def _verdict(right: bool, yes: str, no: str) -> Verdict:
    return Verdict(float(right), "scored", yes if right else no)
