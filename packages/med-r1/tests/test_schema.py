from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.med_r1 import Question, QuestionSet


@given(st.integers(2, 10), st.integers(0, 9), st.integers(-20, 20))
def test_rotating_moves_options_and_key_together(count, answer, places):
    question = Question("q", "i", "Which?", tuple("abcdefghij"[:count]), answer % count, "MR")
    turned = question.rotated(places)
    assert turned.answer_text == question.answer_text
    assert sorted(turned.options) == sorted(question.options)
    assert turned.rotated(-places) == question
    assert question.rotated(count) == question


def test_the_letter_is_the_answer_s_place(question):
    assert (question.letter, question.answer_text) == ("B", "lung")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"question": " "}, "has no text"),
        ({"options": ("one",)}, "has 1 options"),
        ({"options": tuple("abcdefghijk")}, "has 11 options"),
        ({"options": ("a", " ")}, "empty option"),
        ({"answer": 4}, "answer 4"),
    ],
)
def test_a_broken_question_is_refused_by_its_id(question, changes, message):
    with pytest.raises(InputError, match=f"question q.*{message}"):
        replace(question, **changes)


@pytest.mark.parametrize(
    ("options", "answer", "ambiguous"),
    [
        (("Yes", "No"), 0, False),
        (("Yes", "yes."), 0, True),
        (("No  change", " no change "), 1, True),
        (("a", "b", "B"), 0, False),  # two wrong options alike leave one right letter
        (("stage 1", "stage 1.5"), 0, False),
    ],
)
def test_two_options_that_read_alike_make_two_letters_right(question, options, answer, ambiguous):
    assert replace(question, options=options, answer=answer).is_ambiguous is ambiguous


def test_a_set_knows_its_subsets_and_its_chance(question):
    other = replace(question, id="r", subset="CT", options=("a", "b"), answer=0)
    questions = QuestionSet((question, other), {})
    assert questions.subsets == ("MR", "CT")
    assert questions.chance == pytest.approx((1 / 4 + 1 / 2) / 2)
    assert [each.id for each in questions.subset("CT")] == ["r"]
    with pytest.raises(InputError, match="unknown subset 'XR'"):
        questions.subset("XR")


def test_an_empty_set_and_a_repeated_id_are_refused(question):
    with pytest.raises(InputError, match="without questions"):
        QuestionSet((), {})
    with pytest.raises(InputError, match="'q' occurs 2 times"):
        QuestionSet((question, question), {})
