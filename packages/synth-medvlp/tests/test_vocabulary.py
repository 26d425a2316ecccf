from collections import Counter

import pytest

from medsuite.core.phantom import LABELS
from medsuite.synth_medvlp import CONCEPTS, FINDINGS, extract
from medsuite.synth_medvlp.entities import DECOYS, DENIALS, DOUBTS, LATE_DENIALS
from medsuite.synth_medvlp.reports import grammar_sentences


def test_every_finding_can_be_drawn():
    assert set(FINDINGS) <= set(LABELS)
    assert len(FINDINGS) == 14


def test_no_spelling_stands_for_two_findings_or_for_none():
    counts = Counter(spelling for concept in CONCEPTS.values() for spelling in concept.spellings)
    assert [spelling for spelling, count in counts.items() if count > 1] == []
    assert not set(counts) & set(DECOYS)
    assert all(spelling == spelling.lower().strip() for spelling in counts)


def test_no_spelling_holds_a_word_that_denies_or_doubts():
    cues = {cue for cues in (DENIALS, DOUBTS, LATE_DENIALS) for cue in cues}
    for concept in CONCEPTS.values():
        for spelling in concept.spellings:
            assert not cues & {spelling, *spelling.split()}, spelling


@pytest.mark.parametrize("name", FINDINGS)
def test_both_names_of_a_finding_are_in_the_grammar_affirmed_and_denied(name):
    for spelling in CONCEPTS[name].names:
        told = {
            entity.status for text in grammar_sentences() for entity in extract(text) if entity.text.lower() == spelling
        }
        assert told == {"present", "absent"}


def test_a_sentence_of_the_grammar_names_one_finding_at_most():
    for sentence in grammar_sentences():
        assert len({entity.concept for entity in extract(sentence)}) <= 1, sentence
