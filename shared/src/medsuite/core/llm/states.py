"""From a model's words to a state: what counts as an answer, and what is counted as which failure."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, get_args

from medsuite.core.llm.model import Answer, Request, State
from medsuite.core.llm.schemas import schema_problem

STATES: tuple[State, ...] = get_args(State)
ASKED_AGAIN: frozenset[State] = frozenset({"rejected", "transport", "capped"})
"""States in which the model did not have its say: such a request is asked again on resume."""


def count_states(answers: Iterable[Answer]) -> dict[State, int]:
    """Count answers by state; every state is there, also those with none."""
    counts = dict.fromkeys(STATES, 0)
    for answer in answers:
        counts[answer.state] += 1
    return counts


def without_thinking(text: str) -> str:
    """Cut off a leading `<think>` block; a block that was never closed leaves nothing."""
    if not text.lstrip().startswith("<think>"):
        return text
    return text.partition("</think>")[2].lstrip()


def parse_json(text: str) -> Any:
    """Parse an answer that is one JSON value, bare or inside a code fence; a thinking block before it is ignored.

    Raises:
        ValueError: It is something else.
    """
    body = without_thinking(text).strip()
    fenced = re.fullmatch(r"```(?:json)?\s*\n(.*)\n\s*```", body, re.DOTALL)
    try:
        return json.loads(fenced[1] if fenced else body)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def settle(answer: Answer, request: Request) -> Answer:
    """Give the state to an answer that came through: the model's words are judged here, the same for all clients.

    In this order: no words and no scores is `empty`, an end at max_tokens `truncated`, an option without a score
    `unscored`, a text that the schema does not allow `unparsable`. An answer that already has a failure keeps it.
    """
    if answer.state != "answered":
        return answer
    if request.options:
        return _settle_options(answer)
    if answer.finish == "length":
        return replace(answer, state="truncated", detail=f"cut at {request.sampling.max_tokens} tokens")
    if not without_thinking(answer.text).strip():
        return replace(answer, state="empty", detail="no text")
    if request.schema is None:
        return answer
    return _settle_schema(answer, request)


def _settle_options(answer: Answer) -> Answer:
    if answer.options is None:
        return replace(answer, state="unscored", detail=answer.detail or "no log-probabilities came")
    if missing := answer.options.missing:
        names = ", ".join(map(repr, missing))
        return replace(answer, state="unscored", detail=answer.detail or f"no log-probability of {names}")
    return answer


def _settle_schema(answer: Answer, request: Request) -> Answer:
    try:
        value = parse_json(answer.text)
        problem = schema_problem(value, request.schema or {})
    except ValueError as error:
        value, problem = None, f"no JSON: {error}"
    if problem is not None:
        return replace(answer, state="unparsable", detail=f"no answer by the schema: {problem}"[:300])
    return replace(answer, value=value)
