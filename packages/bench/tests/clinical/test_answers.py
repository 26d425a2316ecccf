"""Reading numbers out of words: a table of replies, and what no reply may do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.bench.clinical.answers import read_answer

BINARY, LENGTH = (0, 1), (1, 2, 3)


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("1", BINARY, 1),
        (" 0.", BINARY, 0),
        ("**1**", BINARY, 1),
        ("1.", BINARY, 1),
        ("Answer: 1", BINARY, 1),
        ("The answer is **0**.", BINARY, 0),
        (r"so \boxed{2}", LENGTH, 2),
        ("answer is 1 ... after reflection, my final answer: 0", BINARY, 0),
        ("１", BINARY, 1),
        ("one", LENGTH, 1),
        ("Yes.", BINARY, 1),
        ("no", BINARY, 0),
        ("<think>it could be 0 or 1</think>1", BINARY, 1),
        ("1. Sepsis is severe.\n2. Age is high.\n3. No ventilation.\nAnswer: 1", BINARY, 1),
        ("1. Sepsis is severe.\n2. Age is high.\nSo 0", BINARY, 0),
        ("Step 1: sepsis\nStep 2: age\nAnswer: 2", LENGTH, 2),
        ("3\nThe stay will be long. I stay with 3", LENGTH, 3),
        ("The patient is 67 years old and has E11.9, so 1", BINARY, 1),
        ("Step 1: age 67\nStep 2: sepsis\n**Answer**: 1", BINARY, 1),
        ("_Answer_ = 2 (more than 1 week)", LENGTH, 2),
        ("Answer: 1, since 3 organs fail", BINARY, 1),
    ],
)
def test_a_settled_answer_is_read(text: str, labels: tuple[int, ...], expected: int) -> None:
    assert read_answer(text, labels) == ("answered", expected)


@pytest.mark.parametrize(
    ("text", "labels", "state"),
    [
        ("", BINARY, "empty"),
        ("  \n", BINARY, "empty"),
        ("<think>it could be 1", BINARY, "empty"),
        ("I cannot give medical advice.", BINARY, "refused"),
        ("As an AI, I will not say.", BINARY, "refused"),
        ("The patient will probably survive.", BINARY, "unparsable"),
        ("0 or 1", BINARY, "unparsable"),
        ("First 1. On reflection 0", BINARY, "unparsable"),
        ("10", BINARY, "unparsable"),
        ("Answer: 10", BINARY, "unparsable"),
        ("Answer: 1.5", BINARY, "unparsable"),
        ("within 10 days", BINARY, "unparsable"),
        ("within 1 week", LENGTH, "unparsable"),
        ("1 % at most", BINARY, "unparsable"),
        ("2", BINARY, "unparsable"),
        ("-1", BINARY, "unparsable"),
        ("zero", LENGTH, "unparsable"),
        ("Answer: 1 or 0", BINARY, "unparsable"),
        ("The answer is 0/1", BINARY, "unparsable"),
        ("Answer: 1-2", LENGTH, "unparsable"),
        ("My answer is 1 and 0", BINARY, "unparsable"),
        ("Answer: 2 to 3 weeks", LENGTH, "unparsable"),
        ("١", BINARY, "unparsable"),
        ("1e0", BINARY, "unparsable"),
    ],
)
def test_an_unsettled_answer_is_none(text: str, labels: tuple[int, ...], state: str) -> None:
    assert read_answer(text, labels) == (state, None)


@given(st.text(max_size=60))
def test_any_text_gives_a_label_if_and_only_if_it_is_answered(text: str) -> None:
    state, label = read_answer(text, LENGTH)
    assert (state == "answered") == (label in LENGTH)


@given(st.sampled_from(LENGTH), st.sampled_from(LENGTH), st.text(alphabet="abcd \n,", max_size=20))
def test_two_different_labels_are_no_answer(first: int, second: int, between: str) -> None:
    state, label = read_answer(f"{first} {between} {second}", LENGTH)
    assert label == (first if first == second else None), state
