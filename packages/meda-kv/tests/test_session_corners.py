"""Sessions by hand: prompts in pieces, prompts continued, modalities given, and what is refused on the way."""

import numpy as np
import pytest
import torch
from transformers import DynamicCache

from medsuite.core.errors import InputError
from medsuite.meda_kv import (
    H2O,
    Budget,
    CompressedCache,
    CrossModalEntropy,
    FastV,
    KeyNorm,
    Late,
    Protect,
    Recipe,
    SnapKV,
    compress,
    observing,
    read,
)
from medsuite.meda_kv.attention import OBSERVER, attention_modules, cache_argument, observed_name
from medsuite.meda_kv.cache import compressible
from medsuite.meda_kv.generation import read_then_guess, refuse_generate, uncached_tokens
from medsuite.meda_kv.positions import position_holders, recall_positions, remember_positions

GREEDY = {"max_new_tokens": 4, "min_new_tokens": 4, "do_sample": False}


def small(ratio=0.5, **parts):
    return Recipe(Budget(ratio=ratio), **{"select": SnapKV(queries=6), "protect": Protect(sinks=2), **parts})


@pytest.fixture(scope="module")
def model(tiny_llama):
    return tiny_llama(layers=2)


@pytest.fixture
def ids(prompt):
    return prompt(40)[0]


def kept(cache):
    return [layer.columns(0, head).tolist() for layer in compressible(cache).values() for head in range(2)]


@pytest.mark.parametrize("pieces", [(40,), (13, 27), (1, 38, 1)], ids=str)
@torch.no_grad()
def test_an_announced_prompt_is_compressed_behind_its_last_piece(model, ids, pieces):
    cache = CompressedCache(model.config)
    with compress(model, small(select=H2O())) as session:
        session.begin_prefill(40)
        for part in ids.split(pieces, dim=1):
            assert not session.reports
            model(part, **{cache_argument(model): cache})
    whole = CompressedCache(model.config)
    with compress(model, small(select=H2O())):
        model(ids, **{cache_argument(model): whole})
    assert len(session.reports) == 1
    assert kept(cache) == kept(whole)


@torch.no_grad()
def test_a_second_piece_that_was_not_announced_is_refused_when_the_first_was_not_compressed(model, ids):
    cache = CompressedCache(model.config)
    with observing(model, small().observation()):
        model(ids[:, :20], **{cache_argument(model): cache})
    with (
        compress(model, small()),
        pytest.raises(InputError, match=r"holds 20 tokens that were not observed; call begin_pre"),
    ):
        model(ids[:, 20:], **{cache_argument(model): cache})


@pytest.mark.parametrize("at", [1, 20, 39])
def test_a_prompt_that_is_continued_is_observed_like_one_that_is_read_at_once(model, ids, at):
    recipe = small(allocate=CrossModalEntropy(), select=H2O())
    vision = torch.zeros(1, 40, dtype=torch.bool)
    vision[:, 5:25] = True
    with observing(model, recipe.observation(), vision) as session:
        whole = read(session, ids[:1])
        parts = read(session, ids[:1, at:], after=read(session, ids[:1, :at]))
    torch.testing.assert_close(parts.logits, whole.logits)
    (first, report), (second, again) = parts.compress(recipe), whole.compress(recipe)
    np.testing.assert_allclose(report.entropy, again.entropy)
    assert kept(first) == kept(second)


def test_a_prompt_can_be_compressed_in_many_ways_and_stays_whole(model, ids):
    plan = small(select=H2O()).observation() | small().observation()
    with observing(model, plan) as session:
        prompt = read(session, ids[:1])
    shares = [prompt.compress(small(ratio, select=H2O()))[1].kept_share for ratio in (0.8, 0.5, 0.3)]
    assert shares == pytest.approx([0.8, 0.5, 0.3], abs=0.02)
    assert prompt.cache.get_seq_length() == 40
    assert not any(layer.compressed for layer in prompt.cache.layers)


@torch.no_grad()
def test_a_given_modality_is_what_cross_modal_entropy_sees(model, ids):
    vision = torch.zeros(2, 40, dtype=torch.bool)
    vision[0, 8:20] = True
    with compress(model, small(allocate=CrossModalEntropy()), modality=vision) as session:
        model(ids)
    assert torch.equal(session.observation.tokens.vision, vision)
    assert session.report.notes == (
        "sequence 1 holds one modality only: full-row entropy in place of cross-modal entropy",
    )
    with compress(model, small(allocate=CrossModalEntropy()), modality="text") as session:
        model(ids)
    assert "sequence 0, 1 holds one modality only" in session.report.notes[0]


@torch.no_grad()
def test_a_ranking_layer_that_the_model_does_not_have_is_its_last(model, ids):
    caches = []
    for layer in (1, 99):
        caches.append(CompressedCache(model.config))
        with compress(model, small(allocate=Late(1), select=FastV(layer))):
            model(ids, **{cache_argument(model): caches[-1]})
    assert kept(caches[0]) == kept(caches[1])


@torch.no_grad()
def test_time_spent_on_statistics_is_told(model, ids):
    with compress(model, small(select=H2O())) as session:
        model(ids)
    assert 0 < session.report.seconds_observing < 5


@torch.no_grad()
def test_a_cache_of_the_model_is_taken_over_when_it_is_empty(model, ids):
    cache = DynamicCache(config=model.config)
    with compress(model, small()) as session:
        model(ids, **{cache_argument(model): cache})
    assert session.cache is cache
    assert [layer.rows for layer in compressible(cache).values()] == [20, 20]


def test_attention_that_never_calls_the_interface_is_named_by_its_layers(model, ids, monkeypatch):
    monkeypatch.setattr("medsuite.meda_kv.session.Session.observe", lambda self, module, inputs: None)
    with (
        torch.no_grad(),
        compress(model, small()),
        pytest.raises(InputError, match=r"layers \[0, 1\] of LlamaModel never called"),
    ):
        model(ids)


def test_modules_find_their_session_only_while_it_is_open(model):
    modules = attention_modules(model.get_decoder())
    assert sorted(modules) == [0, 1]
    with compress(model, small()) as session:
        assert all(getattr(module, OBSERVER) is session for module in modules.values())
        assert model.config._attn_implementation == observed_name("sdpa")
    assert not any(hasattr(module, OBSERVER) for module in modules.values())
    assert model.config._attn_implementation == "sdpa"


def test_a_model_without_attention_layers_is_refused(model, monkeypatch):
    monkeypatch.setattr("medsuite.meda_kv.session.attention_modules", lambda decoder: {})
    with pytest.raises(InputError, match="LlamaForCausalLM has no attention layer that takes a cache and a mask"):
        compress(model, small())


class Held:
    def __init__(self, seen):
        self.seen = seen

    def get_seq_length(self):
        return self.seen


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        ((torch.ones(1, 7),), {}, 7),
        ((), {"input_ids": torch.ones(1, 7)}, 7),
        ((), {"inputs": torch.ones(1, 7)}, 7),
        ((), {"input_ids": torch.ones(1, 7), "inputs_embeds": torch.ones(1, 5, 4)}, 5),
        ((), {"input_ids": torch.ones(1, 7), "past_key_values": Held(3)}, 4),
        ((), {"input_ids": torch.ones(1, 7), "cache": Held(3), "attention_mask": torch.ones(1, 7)}, 4),
        ((), {"input_ids": torch.ones(1, 2), "cache": Held(5), "attention_mask": torch.ones(1, 7)}, 2),
        ((), {}, None),
    ],
    ids=[
        "by place",
        "by name",
        "inputs",
        "embeddings",
        "repeated",
        "repeated with its mask",
        "new tokens alone",
        "nothing",
    ],
)
def test_the_prompt_that_generate_will_read_is_what_the_cache_does_not_hold(args, kwargs, expected):
    assert uncached_tokens(args, kwargs) == expected


@pytest.mark.parametrize(
    "settings", [{}, {"use_cache": True}, {"use_cache": None}, {"cache_implementation": "dynamic"}]
)
def test_a_dynamic_cache_is_what_generate_may_be_asked_for(model, settings):
    refuse_generate(model, settings)


def test_a_configuration_that_asks_for_another_cache_is_refused_as_well(model):
    from transformers import GenerationConfig

    with pytest.raises(InputError, match=r"generate\(cache_implementation='static'\) inside compress\(\)"):
        refuse_generate(model, {"generation_config": GenerationConfig(cache_implementation="static")})


def test_a_pass_over_prompt_and_guesses_is_two_whose_logits_are_joined():
    calls = []

    def forward(**kwargs):
        calls.append(kwargs)
        return type("Output", (), {"logits": kwargs["input_ids"][..., None].float()})()

    ids = torch.arange(6)[None]
    output = read_then_guess(
        forward,
        4,
        {
            "input_ids": ids,
            "attention_mask": torch.ones(1, 6),
            "pixel_values": "p",
            "position_ids": ids,
            "logits_to_keep": 3,
        },
    )
    first, rest = calls
    assert (first["input_ids"].tolist(), rest["input_ids"].tolist()) == ([[0, 1, 2, 3]], [[4, 5]])
    assert (first["attention_mask"].shape[1], rest["attention_mask"].shape[1]) == (4, 6)
    assert (first["pixel_values"], "pixel_values" in rest) == ("p", False)
    assert rest["position_ids"].tolist() == [[4, 5]]
    assert (first["logits_to_keep"], rest["logits_to_keep"]) == (1, 2)
    assert output.logits[0, :, 0].tolist() == [0, 1, 2, 3, 4, 5]


def test_offsets_of_positions_travel_with_their_cache():
    inner, outer = torch.nn.Module(), torch.nn.Module()
    inner.rope_deltas, outer.inner = torch.tensor([3]), inner
    (holder,) = position_holders(outer)
    first, second = DynamicCache(), DynamicCache()
    remember_positions([holder], first)
    inner.rope_deltas = torch.tensor([-5])
    remember_positions([holder], second)
    recall_positions([holder], first)
    assert inner.rope_deltas.tolist() == [3]
    recall_positions([holder], DynamicCache())
    assert inner.rope_deltas.tolist() == [3], "a cache that holds no prompt changes nothing"
    recall_positions([holder], second)
    assert inner.rope_deltas.tolist() == [-5]


def test_key_norms_need_nothing_observed(model):
    plan = small(select=KeyNorm()).observation()
    assert (plan.statistics, plan.window) == (frozenset(), 0)
