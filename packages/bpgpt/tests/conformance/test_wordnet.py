"""METEOR with the real WordNet 3.0; skipped where a machine has none."""

import pytest

DOCUMENTED = (
    (
        "It is a guide to action that ensures that the military will forever heed Party commands",
        "It is a guide to action which ensures that the military always obeys the commands of the party",
    ),
    ("this is a cat", "non matching hypothesis"),
)


def test_the_values_of_nltks_documentation_are_reproduced(real_wordnet, meteors):
    scores = meteors(real_wordnet, DOCUMENTED)
    assert scores[0] == pytest.approx(0.6944, abs=5e-5)
    assert scores[1] == 0


SYNONYMS = (
    ("the car stopped", "the auto stopped", True),
    ("a sick man", "a ill man", True),
    ("the king slept", "the table slept", False),
    # NLTK looks up the stems "larg" and "automobil", which WordNet does not know.
    ("a big dog", "a large dog", False),
    ("the car stopped", "the automobile stopped", False),
)


def test_synonyms_are_those_of_wordnet_for_words_that_are_their_own_stems(real_wordnet, meteors):
    scores = meteors(real_wordnet, [(reference, hypothesis) for reference, hypothesis, _ in SYNONYMS])
    for (reference, hypothesis, found), score in zip(SYNONYMS, scores, strict=True):
        # Three of three words in one chunk, or two of three in two.
        expected = 1 - 0.5 / 3**3 if found else 2 / 3 * (1 - 0.5)
        assert score == pytest.approx(expected), (reference, hypothesis)
