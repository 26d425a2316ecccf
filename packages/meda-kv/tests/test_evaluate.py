import numpy as np
import pytest
import torch

from medsuite.core import tiny
from medsuite.core.errors import InputError
from medsuite.meda_kv import H2O, Budget, CompressedCache, Protect, Recipe, compress, observing, read
from medsuite.meda_kv.attention import cache_argument
from medsuite.meda_kv.evaluate.haystack import documentation, passage
from medsuite.meda_kv.evaluate.needle import passkey, passkeys
from medsuite.meda_kv.evaluate.questions import ask
from medsuite.meda_kv.evaluate.speed import decode_speed, weight_bytes

LLAMA = tiny.llama()
HALF = Recipe(Budget(ratio=0.5), select=H2O(), protect=Protect(sinks=2))


def needle(seed=0, tokens=160):
    return passkey(LLAMA.tokenizer, tokens, np.random.default_rng(seed))


def test_the_documentation_is_long_real_text():
    assert len(documentation()) > 300_000
    assert "The *for* statement" in documentation() or "for" in documentation()


def test_a_passage_has_the_length_that_was_asked_for():
    ids = passage(LLAMA.tokenizer, 77, np.random.default_rng(0))
    assert ids.shape == (77,)
    assert LLAMA.tokenizer.decode(ids[10:20]).strip() in documentation()


def test_a_needle_fills_its_context_and_stands_where_it_says():
    question = needle(tokens=200)
    text = LLAMA.tokenizer.decode(question.context[0])
    key = LLAMA.tokenizer.decode(question.answer.reference[0])
    assert question.context.shape == (1, 200)
    assert text.count(key) == 2
    assert key.isdigit()
    assert len(key) == 5
    assert text.find(key) / len(text) == pytest.approx(question.depth, abs=0.35)
    assert "pass key" in LLAMA.tokenizer.decode(question.question[0])


def test_several_needles_are_asked_for_one_after_the_other():
    question = passkeys(LLAMA.tokenizer, 400, np.random.default_rng(0), needles=3)
    text = LLAMA.tokenizer.decode(question.context[0])
    answer = question.answer
    digits = LLAMA.tokenizer.decode(answer.reference[0, answer.counted])
    asked = [digits[start : start + 5] for start in (0, 5, 10)]
    assert question.context.shape == (1, 400)
    assert [text.count(key) for key in asked] == [2, 2, 2]
    assert sorted(text.find(key) for key in asked) == [text.find(key) for key in asked]
    assert LLAMA.tokenizer.decode(answer.reference[0, ~answer.counted]).count("The pass key of") == 2


def test_more_needles_than_names_are_refused():
    with pytest.raises(InputError, match="1 to 8"):
        passkeys(LLAMA.tokenizer, 400, np.random.default_rng(0), needles=9)


def test_the_same_seed_asks_the_same_question():
    assert torch.equal(needle(3).context, needle(3).context)
    assert not torch.equal(needle(3).context, needle(4).context)


def test_a_context_without_room_is_refused():
    with pytest.raises(InputError, match="at least"):
        needle(tokens=20)


def test_scores_are_those_of_generate_under_compression():
    """Teacher forcing after `read` and `compress` is what a session does inside `generate`."""
    question = needle()
    whole = torch.cat([question.context, question.question], dim=1)
    rest = torch.cat([question.opening, question.answer.reference[:, :-1]], dim=1)
    with observing(LLAMA.model, HALF.observation()) as session:
        scores = {(score.arm, score.protocol): score for score in ask(session, question, {"half": HALF})}
    cache = CompressedCache(LLAMA.model.config)
    with compress(LLAMA.model, HALF), torch.no_grad():
        LLAMA.model(whole, **{cache_argument(LLAMA.model): cache})
        logits = LLAMA.model(rest, **{cache_argument(LLAMA.model): cache}).logits[0, question.opening.shape[1] - 1 :]
    expected = torch.nn.functional.cross_entropy(logits, question.answer.reference[0])
    assert scores["half", "in prompt"].nll == pytest.approx(float(expected), abs=1e-4)
    assert scores["half", "in prompt"].kv_bytes < scores["full", "in prompt"].kv_bytes
    assert scores["half", "after"].kv_bytes_full == scores["full", "after"].kv_bytes


def test_the_full_arm_does_not_depend_on_when_the_question_comes():
    with observing(LLAMA.model, HALF.observation()) as session:
        full = [score.nll for score in ask(session, needle(), {"half": HALF}) if score.arm == "full"]
    assert full[0] == pytest.approx(full[1], abs=1e-4)


def test_decoding_is_timed_for_every_arm_behind_the_same_prompt():
    tokens = passage(LLAMA.tokenizer, 96, np.random.default_rng(0))[None]
    full, half = decode_speed(LLAMA.model, tokens, {"half": HALF}, new_tokens=3, rounds=2)
    assert (full.arm, half.arm) == ("full", "half")
    assert half.kv_bytes * 2 == full.kv_bytes
    assert full.read_once == 1.0
    assert half.read_once == (weight_bytes(LLAMA.model) + full.kv_bytes) / (weight_bytes(LLAMA.model) + half.kv_bytes)
    assert min(full.token_ms, half.token_ms) > 0


def test_tied_weights_count_once():
    model = LLAMA.model
    assert model.lm_head.weight.data_ptr() == model.get_input_embeddings().weight.data_ptr()
    assert weight_bytes(model) == sum(weight.nbytes for weight in model.parameters())


def test_a_question_leaves_the_prompt_whole():
    with observing(LLAMA.model, HALF.observation()) as session:
        prompt = read(session, needle().context)
        before = prompt.cache.layers[0].keys.clone()
        prompt.compress(HALF)
    assert torch.equal(prompt.cache.layers[0].keys, before)
