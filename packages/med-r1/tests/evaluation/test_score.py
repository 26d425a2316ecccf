import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.med_r1 import Answers, Question, QuestionSet, agreement, evaluate
from medsuite.med_r1.evaluation.controls import rotated
from medsuite.med_r1.pictures import GreyPictures
from medsuite.med_r1.prompts import completion


@pytest.fixture
def questions():
    rng = np.random.default_rng(0)
    words = ("edema", "fracture", "nodule", "mass")
    items = tuple(
        Question(str(n), str(n), "What?", tuple(rng.permutation(words).tolist()), int(rng.integers(4)), "MR")
        for n in range(40)
    )
    grey = rng.integers(0, 255, (40, 8, 8)).astype(np.uint8)
    return QuestionSet(items, GreyPictures([str(n) for n in range(40)], grey))


def oracle(questions):
    """Sees the picture's number: right wherever the question shows its own picture."""
    keys = {each.id: each.answer_text for each in questions}

    def ask(asked):
        texts = []
        for each in asked:
            seen = keys.get(each.image) if "Blank" not in type(asked.pictures).__name__ else None
            place = each.options.index(seen) if seen in each.options else 0
            texts.append(completion("x", "ABCD"[place]))
        return tuple(texts)

    return ask


def test_an_oracle_is_right_under_every_rotation_and_lost_without_its_image(questions, rng):
    result = evaluate(oracle(questions), questions, rng)
    assert result.answers.accuracy() == result.circular == result.consistency == 1
    assert len(result.rotations) == 3
    assert result.blank.accuracy() < 0.6
    assert result.reliance == 1 - result.swapped.accuracy() > 0.4
    assert result.sensitivity > 0.4
    assert 0 <= result.options_only["MR"] < 0.5


def test_always_the_first_letter_is_found_out_by_rotating(questions, rng):
    result = evaluate(lambda asked: tuple(completion("x", "A") for _ in asked), questions, rng)
    assert result.answers.accuracy() > 0
    assert result.circular == result.consistency == result.reliance == result.sensitivity == 0


def test_the_table_has_a_line_for_each_subset(questions, rng):
    lines = evaluate(oracle(questions), questions, rng).table().splitlines()
    assert lines[0].split()[:4] == ["subset", "n", "chance", "accuracy"]
    assert lines[1].split()[:4] == ["MR", "40", "0.250", "1.000"]
    assert len(lines) == 2


def test_all_numbers_and_completions_are_written(questions, rng):
    written = evaluate(oracle(questions), questions, rng).to_json()
    assert written["numbers"]["strict"] == 1
    assert list(written["completions"]) == ["answers", "blank", "swapped", "rotated 1", "rotated 2", "rotated 3"]
    assert all(len(texts) == len(written["ids"]) == 40 for texts in written["completions"].values())


def test_rotated_options_keep_the_answer(questions):
    for place in range(4):
        assert [each.answer_text for each in rotated(questions, place)] == [each.answer_text for each in questions]


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
