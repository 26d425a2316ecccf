"""Metrics against libraries that the package does not call for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.bleu_score import sentence_bleu

from medsuite.bpgpt.evaluate.metrics import bleu1, word_error_rate

WORDS = ("the", "a", "king", "hid", "drum", "in", "town")
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=40).map(" ".join)


@pytest.mark.filterwarnings("ignore:[\\s\\S]*n-gram overlaps")
@given(texts, texts)
def test_bleu_1_is_nltks_which_the_released_code_calls(reference, hypothesis):
    if not set(reference.split()) & set(hypothesis.split()):
        # NLTK warns of no overlap and returns a tiny number.
        assert bleu1(reference, hypothesis) == 0
        return
    expected = sentence_bleu([reference.split()], hypothesis.split(), weights=(1, 0, 0, 0))
    assert bleu1(reference, hypothesis) == pytest.approx(expected, abs=1e-12)


@given(texts, texts)
def test_word_error_rate_is_nltks_edit_distance(reference, hypothesis):
    from nltk.metrics import edit_distance

    expected = edit_distance(reference.split(), hypothesis.split()) / len(reference.split())
    assert word_error_rate(reference, hypothesis) == pytest.approx(expected)


@given(texts, texts, st.sampled_from([" ", "\n", "\t", "\r\n", " ", " \n "]))
def test_every_metric_splits_words_at_any_white_space(reference, hypothesis, space):
    """GPT-2 writes line breaks; jiwer alone would take two words around one for a single word."""
    other = space.join(hypothesis.split())
    for metric in (word_error_rate, bleu1):
        assert metric(reference, other) == metric(reference, hypothesis)
        assert metric(space.join(reference.split()), hypothesis) == metric(reference, hypothesis)
