"""Which words count as which state."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.llm import Answer, Request, count_states
from medsuite.core.llm.states import STATES, parse_json, settle, without_thinking

SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "integer", "minimum": 0, "maximum": 5}},
    "required": ["score"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ('{"score": 3}', "answered"),
        ('```json\n{"score": 3}\n```', "answered"),
        ('<think>{"score": 1}</think>\n{"score": 3}', "answered"),
        ('{"score": 6}', "unparsable"),
        ('{"score": "3"}', "unparsable"),
        ('{"score": 3, "more": 1}', "unparsable"),
        ('{"score": 3} and so on', "unparsable"),
        ("three", "unparsable"),
        ("[" * 100_000, "unparsable"),
        ("", "empty"),
        ("<think>it goes on and on", "empty"),
    ],
)
def test_an_answer_by_a_schema_is_all_json_and_valid(text: str, state: str) -> None:
    answer = settle(Answer("answered", text=text), Request("?", schema=SCHEMA))
    assert (answer.state, answer.text) == (state, text)
    assert answer.value == ({"score": 3} if state == "answered" else None)


def test_what_is_wrong_with_an_answer_is_said() -> None:
    answer = settle(Answer("answered", text='{"score": 6}'), Request("?", schema=SCHEMA))
    assert answer.detail == "no answer by the schema: 6 is greater than the maximum of 5"


def test_an_answer_that_was_cut_is_truncated_even_if_it_reads_well() -> None:
    assert settle(Answer("answered", text='{"score": 3}', finish="length"), Request("?", schema=SCHEMA)).state == (
        "truncated"
    )


def test_a_failure_stays_what_it_is() -> None:
    failure = Answer("transport", detail="reset")
    assert settle(failure, Request("?")) is failure


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    )
)
def test_every_json_value_is_parsed_bare_and_fenced(value: object) -> None:
    assert parse_json(json.dumps(value)) == value
    assert parse_json(f"```\n{json.dumps(value)}\n```") == value


def test_thinking_is_cut_off_only_at_the_beginning() -> None:
    assert without_thinking("<think>a</think> b") == "b"
    assert without_thinking("a <think> b") == "a <think> b"


def test_every_state_is_counted() -> None:
    counts = count_states([Answer("answered"), Answer("refused"), Answer("answered")])
    assert tuple(counts) == STATES
    assert {state: count for state, count in counts.items() if count} == {"answered": 2, "refused": 1}
