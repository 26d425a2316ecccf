"""METEOR against its definition, with a WordNet of four nouns that is written out here."""

from itertools import pairwise

import pytest
from nltk.stem.porter import PorterStemmer

SYNONYMS = (
    ("drum", "tympan"),
    ("king", "rex", "monarch"),
    ("town", "township"),
    ("old_town", "town"),
    ("car", "automobile"),
)


def slow_meteor(reference, hypothesis, synonyms):
    """Banerjee and Lavie 2005 with NLTK's parameters: equal words, equal stems, synonyms, each in turn and from behind.

    F = P R / (0.9 P + 0.1 R), times 1 - 0.5 (chunks / matches)^3. As in NLTK, synonyms are looked up for the stems.
    """
    stem = PorterStemmer().stem
    heard, said = list(enumerate(reference.split())), list(enumerate(hypothesis.split()))
    length = len(said), len(heard)

    def alike(first, second):
        return any(stem(first) in group and stem(second) in group for group in synonyms)

    pairs = []
    for same in (str.__eq__, lambda a, b: stem(a) == stem(b), alike):
        for place, word in said[::-1]:
            partner = next((entry for entry in heard[::-1] if same(word, entry[1])), None)
            if partner:
                pairs.append((place, partner[0]))
                heard.remove(partner)
                said.remove((place, word))
    if not pairs:
        return 0.0
    pairs.sort()
    precision, recall = (len(pairs) / count for count in length)
    chunks = 1 + sum(later != (earlier[0] + 1, earlier[1] + 1) for earlier, later in pairwise(pairs))
    mean = precision * recall / (0.9 * precision + 0.1 * recall)
    return mean * (1 - 0.5 * (chunks / len(pairs)) ** 3)


PAIRS = (
    ("the king hid a drum", "the king hid a drum"),
    ("the king hid a drum", "the rex hid a tympan"),
    ("the king hid a drum", "a drum hid the king"),
    ("the kings hid drums", "the king hides a drum"),
    ("the monarch left town", "a rex went to the township"),
    ("the king hid a drum", "nobody knew"),
    ("the king", "king king king king"),
    ("one", "the monarch"),
    ("a car", "a automobile"),
    ("the king", ""),
    ("the king", " \n"),
)


@pytest.fixture(scope="module")
def scores(meteors, tiny_wordnet, tmp_path_factory):
    data = tiny_wordnet(tmp_path_factory.mktemp("nltk_data"), list(SYNONYMS))
    return dict(zip(PAIRS, meteors(data, PAIRS), strict=True))


def test_meteor_is_its_definition_with_synonyms_from_wordnet(scores):
    for (reference, hypothesis), score in scores.items():
        assert score == pytest.approx(slow_meteor(reference, hypothesis, SYNONYMS), abs=1e-12), (reference, hypothesis)
    # Five words in one chunk, found as words or as synonyms.
    assert scores[PAIRS[0]] == scores[PAIRS[1]] == pytest.approx(1 - 0.5 / 5**3)


def test_nothing_decoded_and_nothing_in_common_score_nothing(scores):
    assert [scores[PAIRS[place]] for place in (5, 9, 10)] == [0, 0, 0]


def test_a_synonym_that_is_not_its_own_stem_is_not_found(scores):
    """NLTK looks up `automobil`. Its scores are comparable with the paper's for that, and low."""
    assert scores["a car", "a automobile"] == pytest.approx(0.5 * 0.5)
