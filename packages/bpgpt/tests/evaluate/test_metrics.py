"""The metrics against their definitions and the libraries' documented values, and on the texts that break libraries."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.bpgpt.evaluate.metrics import bert_score, bleu1, meteor, word_error_rate
from medsuite.core.errors import InputError

texts = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=8).map(" ".join)


def edit_distance(reference, hypothesis):
    """Levenshtein's distance by its recursion."""
    if not reference or not hypothesis:
        return len(reference) + len(hypothesis)
    substituted = edit_distance(reference[1:], hypothesis[1:]) + (reference[0] != hypothesis[0])
    return min(substituted, edit_distance(reference[1:], hypothesis) + 1, edit_distance(reference, hypothesis[1:]) + 1)


@given(texts.filter(lambda text: len(text) < 11), texts.filter(lambda text: len(text) < 11))
def test_word_error_rate_is_the_edit_distance_per_reference_word(reference, hypothesis):
    expected = edit_distance(reference.split(), hypothesis.split()) / len(reference.split())
    assert word_error_rate(reference, hypothesis) == pytest.approx(expected)


@given(texts, texts)
def test_bleu1_is_clipped_precision_times_brevity(reference, hypothesis):
    words, heard = hypothesis.split(), reference.split()
    clipped = sum((Counter(words) & Counter(heard)).values())
    brevity = math.exp(min(0.0, 1 - len(heard) / len(words)))
    assert bleu1(reference, hypothesis) == pytest.approx(brevity * clipped / len(words))


def test_an_empty_hypothesis_scores_worst():
    assert word_error_rate("two words", "") == 1.0
    assert bleu1("two words", "") == 0.0


@pytest.mark.parametrize("metric", [word_error_rate, bleu1, meteor])
def test_an_empty_reference_is_refused(metric):
    with pytest.raises(InputError, match="an empty reference"):
        metric("  ", "word")


def test_meteor_without_wordnet_says_where_to_put_it(monkeypatch):
    import nltk

    monkeypatch.setattr(nltk.data, "path", [])
    with pytest.raises(InputError, match="set NLTK_DATA"):
        meteor("the cat", "a dog")


def test_bert_score_is_the_mean_best_cosine_of_every_heard_token(tmp_path):
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "king", "hid", "a", "drum"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(vocab=dict(zip(words, range(len(words)), strict=True))).save_pretrained(tmp_path)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    model = BertModel(BertConfig(vocab_size=10, max_position_embeddings=32, initializer_range=1.0, **sizes)).eval()
    model.save_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)

    references, hypotheses = ["the king hid a drum", "the king", "a drum"], ["a king hid", "", "the drum"]
    scores = bert_score(references, hypotheses, model=tmp_path, layers=1)
    for number in (0, 2):
        with torch.no_grad():
            heard, said = (
                model(**tokenizer(text, return_tensors="pt"), output_hidden_states=True).hidden_states[1][0]
                for text in (references[number], hypotheses[number])
            )
        # The special tokens of the hypothesis can be matched; those of the reference have no weight.
        heard, said = (torch.nn.functional.normalize(states, dim=1) for states in (heard[1:-1], said))
        assert scores[number] == pytest.approx(float((heard @ said.T).max(dim=1).values.mean()), abs=1e-5)
    assert scores[1] == 0.0


def test_bert_score_refuses_unequal_numbers_and_a_missing_folder(tmp_path):
    with pytest.raises(InputError, match="1 hypotheses for 2 references"):
        bert_score(["a", "b"], ["a"], model=tmp_path, layers=1)
    with pytest.raises(InputError, match="is no folder"):
        bert_score(["a"], ["a"], model=tmp_path / "none", layers=1)


def test_a_layer_that_the_model_does_not_have_and_a_folder_without_a_model_are_refused(tmp_path, monkeypatch):
    import bert_score as library

    with pytest.raises(InputError, match="layer -1"):
        bert_score(["a"], ["a"], model=tmp_path, layers=-1)
    for error, message in (
        (
            AssertionError("Invalid num_layers"),
            r"layer 9 of .* \(Invalid num_layers\); expected a layer that the model has",
        ),
        (OSError("no config.json"), r"holds no model that BERTScore can load \(no config.json\)"),
    ):

        def broken(error=error, **options):
            raise error

        monkeypatch.setattr(library, "BERTScorer", broken)
        with pytest.raises(InputError, match=message):
            bert_score(["a"], ["a"], model=tmp_path, layers=9)


def test_nothing_decoded_at_all_scores_zero_without_a_crash(tmp_path, monkeypatch):
    from medsuite.bpgpt.evaluate import metrics

    monkeypatch.setattr(metrics, "_scorer", lambda model, layers: None)
    np.testing.assert_array_equal(bert_score(["a", "b"], ["", " "], model=tmp_path, layers=1), [0, 0])
