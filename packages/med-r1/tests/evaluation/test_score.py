import pytest

from medsuite.core.errors import InputError
from medsuite.med_r1 import Answers, agreement
from medsuite.med_r1.prompts import completion


def test_the_three_extractors_and_the_compliance_stand_side_by_side(questions):
    texts = [completion("x", each.letter) for each in questions]
    texts[:10] = [f"<answer>{each.letter}</answer>" for each in questions.questions[:10]]
    texts[10:20] = [f"{each.letter}." for each in questions.questions[10:20]]
    answers = Answers(questions, tuple(texts))
    assert answers.summary() == {"chance": 0.25, "exact": 0.5, "strict": 0.75, "tolerant": 1.0, "compliance": 0.5}
    assert answers.outcomes() == {"answered": 30, "malformed:no answer tag": 10}


def test_the_report_names_every_outcome(questions):
    answers = Answers(questions, tuple(completion("x", each.letter) for each in questions))
    lines = answers.report().splitlines()
    assert lines[1].split()[:4] == ["MR", "40", "0.250", "1.000"]
    assert lines[-1].split() == ["40", "answered"]


def test_a_letter_without_an_option_and_malformed_text_choose_nothing(questions):
    answers = Answers(questions, tuple(completion("x", "J" if n else "A") for n in range(40)))
    assert answers.chosen()[0] == questions.questions[0].options[0]
    assert set(answers.chosen()[1:]) == {None}
    assert agreement(answers, answers) == 1 / 40


def test_a_completion_a_question(questions):
    with pytest.raises(InputError, match="1 completions of 40 questions"):
        Answers(questions, ("A",))
