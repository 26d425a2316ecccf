import numpy as np
import pytest
import torch

from medsuite.bpgpt.world import MicroWorld
from medsuite.bpgpt.world.grammar import WORDS
from medsuite.bpgpt.world.language import micro_gpt2, micro_tokenizer, sentence_vectors
from medsuite.core.errors import InputError


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    return MicroWorld.random(4, rng).windows(40, 1.0, rng).texts


def test_every_word_is_a_token_and_comes_back(texts):
    tokenizer = micro_tokenizer()
    assert len(tokenizer) == 3 + sum(map(len, WORDS))
    for text in texts:
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert len(ids) == 10
        assert tokenizer.decode(ids) == text


def test_sentence_vectors_hold_every_word_at_its_place(texts):
    vectors = sentence_vectors(texts).view(len(texts), 10, -1)
    words = [word for slot in WORDS for word in slot]
    for vector, text in zip(vectors, texts, strict=True):
        assert " ".join(words[int(place.argmax())] for place in vector) == text
    torch.testing.assert_close(vectors.square().mean(), torch.tensor(1.0))


def test_a_text_that_is_no_window_is_refused():
    with pytest.raises(InputError, match="expected 10 words of the micro-world"):
        sentence_vectors(["old king"])
    with pytest.raises(InputError, match="'once"):
        sentence_vectors(["once upon a time there was a king who hid"])


def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_seed_alone():
    state = torch.random.get_rng_state()
    first, again, other = (micro_gpt2(32, 1, seed).transformer.wte.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), state)
