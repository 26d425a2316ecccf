import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.med_r1.extract import first_answer, is_formatted, parse

PIECES = ["<think>", "</think>", "<answer>", "</answer>", "<ANSWER>", "</Answer>", " ", "\n", "A", "b", "x", ") lung"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@given(TEXTS)
def test_the_scan_finds_what_the_released_expression_finds(text):
    released = re.search(r"<answer>(.*?)</answer>", text, re.DOTALL | re.IGNORECASE)
    assert first_answer(text) == (released.group(1) if released else None)


@given(TEXTS)
def test_the_scan_accepts_what_the_released_format_accepts(text):
    assert is_formatted(text) == bool(re.fullmatch(r"<think>.*?</think>\s*<answer>.*?</answer>", text, re.DOTALL))


@given(TEXTS)
def test_strict_is_the_released_evaluation(text):
    released = re.search(r"<answer>\s*([A-Z])\s*</answer>", text)
    assert parse(text).letter == (released.group(1) if released else None)


@given(TEXTS)
def test_what_is_less_strict_never_finds_less(text):
    exact, strict, tolerant = (parse(text, name).letter for name in ("exact", "strict", "tolerant"))
    assert exact in (None, strict)
    assert strict in (None, tolerant)


@pytest.mark.parametrize(
    ("text", "exact", "strict", "tolerant"),
    [
        ("<think>x</think><answer>B</answer>", "B", "B", "B"),
        ("<think></think>\n<answer>B</answer>", "B", "B", "B"),
        ("<think>x</think><answer> B </answer>", None, "B", "B"),
        ("<think>x</think><answer>B</answer>\n", None, "B", "B"),
        ("<answer>B</answer>", None, "B", "B"),
        ("<think>x</think><answer>b</answer>", None, None, "B"),
        ("<think>x</think><answer>(B)</answer>", None, None, "B"),
        ("<think>x</think><answer>B.</answer>", None, None, "B"),
        ("<think>x</think><answer>B) lung</answer>", None, None, "B"),
        ("<think>x</think><answer>Option B</answer>", None, None, "B"),
        ("<think>x</think><answer>The answer is B</answer>", None, None, None),
        ("<think>x</think> B", None, None, "B"),
        ("B", None, None, "B"),
        ("Both lungs are clear", None, None, None),
        ("<think>x</think><answer>А</answer>", None, None, None),
        ("", None, None, None),
    ],
)
def test_three_strictnesses_read_the_same_text(text, exact, strict, tolerant):
    assert [parse(text, name).letter for name in ("exact", "strict", "tolerant")] == [exact, strict, tolerant]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("<think>x</think><answer>B</answer>", "answered"),
        ("  ", "malformed:empty"),
        ("B", "malformed:no answer tag"),
        ("<think>x</think><answer>B", "malformed:answer not closed"),
        ("<think>x</think><answer> </answer>", "malformed:answer empty"),
        ("<think>x</think><answer>Ａ</answer>", "malformed:look-alike letter"),
        ("<think>x</think><answer>A B</answer>", "malformed:no single letter"),
    ],
)
def test_malformed_output_is_an_outcome_with_a_reason(text, outcome):
    assert parse(text).outcome == outcome


def test_the_think_block_is_kept():
    assert parse("<think>a b</think><answer>A</answer>").think == "a b"
    assert parse("<think>a b").think is None


@pytest.mark.parametrize("piece", ["<think>a</think><answer>", "<think>", "</think>   ", "<answer>", "\0", "</answer>"])
def test_two_hundred_kilobytes_of_anything_hold_no_answer(piece):
    """The released expressions take minutes on the first of these; see benchmarks/rewards.py."""
    text = "<think>" + piece * (200_000 // len(piece))
    assert [parse(text, name).letter for name in ("exact", "strict", "tolerant")] == [None] * 3
    assert not is_formatted(text)


def test_an_unknown_strictness_names_the_nearest():
    with pytest.raises(InputError, match="did you mean 'strict'"):
        parse("A", "stric")


@given(st.text(max_size=300))
def test_any_text_is_an_outcome_and_never_an_error(text):
    for strictness in ("exact", "strict", "tolerant"):
        parsed = parse(text, strictness)
        assert (parsed.letter is None) == bool(parsed.reason)
        assert parsed.outcome == ("answered" if parsed.letter else f"malformed:{parsed.reason}")


@given(st.sampled_from("ABCDEFGHIJ"), st.text(st.characters(exclude_characters="<>"), max_size=80))
def test_whatever_is_thought_the_letter_is_the_one_that_is_given(letter, thought):
    text = f"<think>{thought}</think><answer>{letter}</answer>"
    for strictness in ("exact", "strict", "tolerant"):
        assert parse(text, strictness).letter == letter
    assert parse(text).think == thought
    assert parse(text).compliant


@pytest.mark.parametrize("letter", ["Ａ", "А", "ﬁ", "𝐀", "Α", "ı", "â"])
def test_letters_that_look_alike_are_none_under_any_strictness(letter):
    for text in (f"<think>x</think><answer>{letter}</answer>", letter):
        assert [parse(text, name).letter for name in ("exact", "strict", "tolerant")] == [None] * 3


@pytest.mark.parametrize("piece", ["<answer>", "<think>a</think><answer>", "</think> ", "</think>\n<answer>"])
def test_reading_takes_time_in_proportion_to_the_length(piece):
    """The released expressions are quadratic here: 0.6 s for 60 kB."""
    import time

    def seconds(kilobytes):
        text = "<think>" + piece * (1000 * kilobytes // len(piece))
        best = float("inf")
        for _ in range(3):
            begin = time.process_time()
            parse(text, "tolerant")
            best = min(best, time.process_time() - begin)
        return best

    assert seconds(800) < 12 * max(seconds(200), 2e-4)
