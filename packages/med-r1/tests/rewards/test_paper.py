import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.med_r1 import Question
from medsuite.med_r1.rewards import accuracy_reward, format_reward

PIECES = [
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    "<Answer>",
    " ",
    "\n",
    "A",
    "a",
    "B",
    "b",
    "ﬁ",
    "ı",
    "xyz",
    ".",
]
QUESTION = Question("q", "i", "Which?", ("one", "two", "three", "four"), 0, "MR")


def released_accuracy(content, solution):
    """The rule in the words of section 1.2 of the release: first block, upper case, exactly one letter A to J."""
    found = re.search(r"<answer>(.*?)</answer>", content, flags=re.DOTALL | re.IGNORECASE)
    answer = found.group(1).strip() if found else ""
    letters = [letter for letter in answer.upper() if letter in "ABCDEFGHIJ"]
    if letters != [solution]:
        return 0.0
    place = answer.upper().index(solution)
    return 0.5 if (answer[:place] + answer[place + 1 :]).strip() else 1.0


@pytest.mark.parametrize(
    ("text", "form", "accuracy"),
    [
        ("<think></think><answer>A</answer>", 1, 1),
        ("<think>x</think><answer>A</answer>\n", 0, 1),
        (" <think>x</think><answer>A</answer>", 0, 1),
        ("<think>x</think><answer>A B</answer>", 1, 0),
        ("<think>x</think><answer>A</answer><answer>B</answer>", 1, 1),
        ("<think>x</think><answer>B</answer><answer>A</answer>", 1, 0),
        ("<think>x</think><think>y</think><answer>A</answer>", 1, 1),
        ("<answer>A</answer>", 0, 1),
        ("<think>x</think><answer>А</answer>", 1, 0),
        ("<think>x</think><answer>Ａ</answer>", 1, 0),
        ("<think>x</think><answer>ﬁ A</answer>", 1, 0),
        ("<think>x</think><answer>ı A</answer>", 1, 0),
        ("<think>x</think><answer>a</answer>", 1, 1),
        ("<think>x<answer>A</answer></think><answer>B</answer>", 1, 1),
        ("<think>x</think><ANSWER>A</ANSWER>", 0, 1),
        ("<think>x</think><answer>A.</answer>", 1, 0.5),
        ("<think>x</think><answer>(A)</answer>", 1, 0.5),
        ("<think>x</think><answer>A) port</answer>", 1, 0.5),
        ("<think>x</think><answer>A) lung</answer>", 1, 0),
        ("<think>x</think><answer>Option A</answer>", 1, 0),
        ("<think>x</think><answer>The answer is A</answer>", 1, 0),
        ("", 0, 0),
    ],
)
def test_the_released_rewards_pay_what_the_reference_s_table_says(text, form, accuracy):
    assert (format_reward(text, QUESTION), accuracy_reward(text, QUESTION)) == (form, accuracy)


@given(st.lists(st.sampled_from(PIECES), max_size=10).map("".join))
def test_the_accuracy_reward_follows_the_released_rule_on_any_text(text):
    assert accuracy_reward(text, QUESTION) == released_accuracy(text, "A")


@given(st.lists(st.sampled_from(PIECES), max_size=10).map("".join))
def test_the_total_is_between_zero_and_two(text):
    assert 0 <= format_reward(text, QUESTION) + accuracy_reward(text, QUESTION) <= 2


@pytest.mark.parametrize(("options", "letter"), [(("a", "b"), "B"), (("a", "b", "c", "d", "e"), "E")])
def test_the_key_is_the_question_s_own_letter(options, letter):
    question = Question("q", "i", "Which?", options, len(options) - 1, "CT")
    assert accuracy_reward(f"<answer>{letter}</answer>", question) == 1
