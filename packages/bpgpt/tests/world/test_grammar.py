import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.bpgpt.world.grammar import FAVOURITES, PREFERRED, SLOTS, WORDS, Grammar, write_sentence
from medsuite.core.errors import InputError


@given(st.integers(0, 2**31))
def test_every_row_of_the_grammar_is_a_distribution(seed):
    grammar = Grammar.random(np.random.default_rng(seed))
    for table in (grammar.initial[None], *grammar.transitions):
        np.testing.assert_allclose(table.sum(axis=1), 1)
        assert (table > 0).all()
    assert grammar.sizes == tuple(len(words) for words in WORDS)


def test_words_follow_each_other_as_often_as_the_grammar_says():
    rng = np.random.default_rng(0)
    grammar = Grammar.random(rng)
    drawn = grammar.sample(40_000, rng)
    for slot, table in enumerate(grammar.transitions):
        counts = np.zeros_like(table)
        np.add.at(counts, (drawn[:, slot], drawn[:, slot + 1]), 1)
        np.testing.assert_allclose(counts / counts.sum(axis=1, keepdims=True), table, atol=0.035)


def test_an_agent_shares_half_of_its_verbs_among_three_favourites():
    verbs = Grammar.random(np.random.default_rng(1)).transitions[1]
    favourites = np.sort(verbs, axis=1)[:, -FAVOURITES:]
    np.testing.assert_allclose(favourites.sum(axis=1), PREFERRED)


def test_chance_is_the_accuracy_of_the_best_constant_guess():
    rng = np.random.default_rng(2)
    grammar = Grammar.random(rng)
    drawn = grammar.sample(60_000, rng)
    best = [np.bincount(drawn[:, slot]).max() / len(drawn) for slot in range(SLOTS)]
    assert grammar.chance == pytest.approx(np.mean(best), abs=0.004)


def test_a_sentence_is_written_in_order():
    assert write_sentence(np.array([0, 1, 2, 3, 4])) == "old sailor sold basket upstairs"


def test_a_sentence_with_a_slot_missing_is_refused():
    with pytest.raises(InputError, match="a sentence of 4 slots"):
        write_sentence(np.array([0, 1, 2, 3]))
