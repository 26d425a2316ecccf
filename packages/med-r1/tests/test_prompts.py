import pytest

from medsuite.core.errors import InputError
from medsuite.med_r1 import STYLES, build
from medsuite.med_r1.prompts import conversation, problem

TRAINING = (
    "\n"
    "        What is shown?\nA) port\nB) lung\nC) nodule\nD) mass \n"
    "        Your task: \n"
    "        1. Think through the question step by step, enclose your reasoning process in <think>...</think> tags. \n"
    "        2. Then provide the correct single-letter choice (A, B, C, D,...) inside <answer>...</answer> tags.\n"
    "        3. No extra information or text outside of these tags.\n"
    "        "
)


def test_the_paper_s_prompt_is_the_released_one_to_the_byte(question):
    assert build(question, "paper") == TRAINING
    assert problem(question) == "What is shown?\nA) port\nB) lung\nC) nodule\nD) mass"


def test_the_released_evaluation_differs_from_the_training_by_its_indentation_alone(question):
    assert build(question, "paper-test") == TRAINING.replace("        ", "    ")
    assert build(question, "paper").split() == build(question, "paper-test").split()


def test_the_clean_prompt_has_the_same_words_without_stray_blanks(question):
    clean = build(question, "clean")
    assert clean.split() == TRAINING.split()
    assert all(line == line.strip() for line in clean.splitlines())


def test_the_compact_prompt_puts_each_letter_before_its_option(question):
    assert build(question, "compact") == "What is shown?\nA port\nB lung\nC nodule\nD mass"


@pytest.mark.parametrize("style", STYLES)
def test_every_style_shows_every_option_once(question, style):
    assert all(build(question, style).count(option) == 1 for option in question.options)


def test_a_conversation_is_one_turn_that_begins_with_the_image(question):
    (turn,) = conversation(question, "compact")
    assert turn["role"] == "user"
    assert [part["type"] for part in turn["content"]] == ["image", "text"]


def test_an_unknown_style_names_the_nearest(question):
    with pytest.raises(InputError, match="did you mean 'compact'"):
        build(question, "compct")
