"""Needles stand where the question says, and the text around them is the passage as it was."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.core import tiny
from medsuite.core.errors import InputError
from medsuite.meda_kv.evaluate.haystack import documentation, passage
from medsuite.meda_kv.evaluate.needle import NAMES, passkey, passkeys
from medsuite.meda_kv.evaluate.questions import beginning, plain_turn, token_ids

TOKENIZER = tiny.llama().tokenizer


def marked(question):
    return TOKENIZER.decode(question.context[0, list(question.marks)])


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000), tokens=st.integers(150, 400))
def test_the_marks_are_the_needle_and_nothing_else(seed, tokens):
    question = passkey(TOKENIZER, tokens, np.random.default_rng(seed))
    key = TOKENIZER.decode(question.answer.reference[0])
    assert question.context.shape == (1, tokens)
    assert marked(question) == f"\n\nThe pass key is {key}. Remember it. {key} is the pass key.\n\n"
    assert bool(question.answer.counted.all())


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000), needles=st.integers(1, 4))
def test_the_marks_of_several_needles_are_those_needles_in_order(seed, needles):
    question = passkeys(TOKENIZER, 500, np.random.default_rng(seed), needles)
    text = marked(question)
    names = [name for name in NAMES if f"pass key of {name} " in text]
    order = sorted(names, key=text.index)
    assert len(names) == needles
    assert f"What are the pass keys of {', '.join(order)} in the text above?" in TOKENIZER.decode(question.question[0])
    assert TOKENIZER.decode(question.opening[0]) == f"The pass key of {order[0]} is "


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000))
def test_without_its_needle_the_context_is_an_unbroken_passage(seed):
    question = passkey(TOKENIZER, 200, np.random.default_rng(seed))
    rest = [token for column, token in enumerate(question.context[0].tolist()) if column not in question.marks]
    head = token_ids(TOKENIZER, plain_turn(TOKENIZER)[0]).shape[1]
    # A letter of several bytes may be cut at either end.
    assert TOKENIZER.decode(rest[head + 2 : -2]) in documentation()


def test_depth_is_the_needles_place_in_the_passage():
    depths, places = [], []
    for seed in range(12):
        question = passkey(TOKENIZER, 400, np.random.default_rng(seed))
        depths.append(question.depth)
        places.append(question.marks[0] / 400)
    assert np.corrcoef(depths, places)[0, 1] > 0.999


def test_only_the_digits_of_several_keys_count():
    question = passkeys(TOKENIZER, 500, np.random.default_rng(3), 3)
    answer = question.answer
    digits = TOKENIZER.decode(answer.reference[0, answer.counted])
    assert digits.isdigit()
    assert len(digits) == 15
    assert len(answer.counted) == answer.reference.shape[1] == answer.tokens


@pytest.mark.parametrize("needles", [0, len(NAMES) + 1])
def test_needles_without_names_are_refused(needles):
    with pytest.raises(InputError, match=f"{needles} needles; expected 1 to 8"):
        passkeys(TOKENIZER, 400, np.random.default_rng(0), needles)


def test_the_least_context_that_is_named_is_enough():
    with pytest.raises(InputError) as caught:
        passkey(TOKENIZER, 30, np.random.default_rng(0))
    least = int(str(caught.value).rpartition("at least ")[2].split(";")[0].split()[0])
    # A key's digits may take a token more or less in another draw.
    assert passkey(TOKENIZER, least, np.random.default_rng(0)).context.shape == (1, least)
    with pytest.raises(InputError):
        passkey(TOKENIZER, least - 1, np.random.default_rng(0))


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000), tokens=st.integers(1, 300))
def test_a_passage_is_exactly_as_long_as_asked_and_drawn_by_its_seed(seed, tokens):
    first, again = (passage(TOKENIZER, tokens, np.random.default_rng(seed)) for _ in range(2))
    assert first.shape == (tokens,)
    assert first.dtype == torch.int64
    assert torch.equal(first, again)


def test_passages_start_all_over_the_documentation():
    starts = [
        documentation().index(TOKENIZER.decode(passage(TOKENIZER, 40, np.random.default_rng(seed))[3:]))
        for seed in range(15)
    ]
    assert np.std(starts) > len(documentation()) / 10


def test_a_passage_longer_than_the_documentation_is_refused_with_its_length(monkeypatch):
    monkeypatch.setattr("medsuite.meda_kv.evaluate.haystack.documentation", lambda: "a few words only")
    with pytest.raises(InputError, match=r"a passage of 500 tokens; expected at most \d+, the documentation's length"):
        passage(TOKENIZER, 500, np.random.default_rng(0))


def test_a_tokenizer_that_marks_beginnings_is_obeyed():
    class Marking:
        def __call__(self, text):
            return {"input_ids": [1, 2]}

    assert beginning(Marking()).tolist() == [[1, 2]]
