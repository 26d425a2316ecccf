from dataclasses import replace

import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.med_r1 import Question, QuestionSet, evaluate
from medsuite.med_r1.evaluation.controls import rotated
from medsuite.med_r1.pictures import GreyPictures
from medsuite.med_r1.prompts import completion


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


def test_a_rotation_that_brings_two_options_back_is_no_agreement(rng):
    """Two options among four: rotated by two places they stand as before, and any model agrees with itself."""
    words = ("edema", "fracture", "nodule", "mass")
    items = tuple(Question(str(n), str(n), "What?", words if n % 2 else words[:2], n % 2, "MR") for n in range(10))
    grey = np.zeros((10, 8, 8), np.uint8)
    both = QuestionSet(items, GreyPictures([str(n) for n in range(10)], grey))
    always_first = evaluate(lambda asked: tuple(completion("x", "A") for _ in asked), both, rng)
    assert len(always_first.rotations) == 3
    assert always_first.consistency == 0
    assert evaluate(oracle(both), both, rng).consistency == 1

    def half(asked):
        """Follows the option among two, and the letter among four."""
        right = oracle(both)(asked)
        return tuple(
            text if len(each.options) == 2 else completion("x", "A") for text, each in zip(right, asked, strict=True)
        )

    assert evaluate(half, both, rng).consistency == 0.5


def test_what_is_malformed_with_and_without_the_image_does_not_change(questions, rng):
    silent = evaluate(lambda asked: ("nothing",) * len(asked), questions, rng)
    assert (silent.sensitivity, silent.consistency, silent.reliance) == (0, 0, 0)

    def only_with_a_picture(asked):
        seen = "Blank" not in type(asked.pictures).__name__
        return tuple(completion("x", "A") if seen else "nothing" for _ in asked)

    assert evaluate(only_with_a_picture, questions, rng).sensitivity == 1


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


def test_a_set_that_cannot_be_swapped_is_refused_before_anything_is_asked(questions, rng):
    alone = replace(questions, questions=tuple(replace(each, image="0") for each in questions))
    with pytest.raises(InputError, match="one picture"):
        evaluate(lambda asked: pytest.fail("a model was asked"), alone, rng)


def test_rotated_options_keep_the_answer(questions):
    for place in range(4):
        assert [each.answer_text for each in rotated(questions, place)] == [each.answer_text for each in questions]
