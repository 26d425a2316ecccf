"""Bad input is refused in one line that says what was given and what to do; nothing is left behind."""

import pytest
import torch
import transformers
from transformers import QuantizedCache, StaticCache

from medsuite.core.errors import InputError
from medsuite.meda_kv import (
    METHODS,
    AdaHeads,
    Budget,
    CompressedCache,
    EightBits,
    Protect,
    Recipe,
    SnapKV,
    compress,
    method,
    storage_bytes,
)
from medsuite.meda_kv.attention import cache_argument

GENERAL = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": None,
}
GREEDY = {"max_new_tokens": 4, "min_new_tokens": 4, "do_sample": False}


def small(ratio=0.5, **parts):
    return Recipe(Budget(ratio=ratio), **{"select": SnapKV(queries=6), "protect": Protect(sinks=2), **parts})


def build(family, **settings):
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**GENERAL, **settings)
    return getattr(transformers, f"{family}ForCausalLM")(config).eval()


HYBRIDS = {
    "Lfm2": {"layer_types": ["conv", "full_attention"] * 2},
    "Qwen3Next": {
        "layer_types": ["linear_attention", "full_attention"] * 2,
        "head_dim": 8,
        "linear_key_head_dim": 8,
        "linear_value_head_dim": 8,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "num_experts": 2,
        "num_experts_per_tok": 1,
        "moe_intermediate_size": 16,
        "shared_expert_intermediate_size": 16,
    },
}


@pytest.mark.parametrize("family", sorted(HYBRIDS))
def test_layers_without_keys_are_left_alone_and_named(prompt, family):
    model = build(family, **HYBRIDS[family])
    ids, mask = prompt(40)
    plain = model.generate(ids, attention_mask=mask, **GREEDY)
    with compress(model, small(1.0)):
        assert torch.equal(model.generate(ids, attention_mask=mask, **GREEDY), plain)
    with compress(model, small()) as session:
        model.generate(ids, attention_mask=mask, **GREEDY)
    assert session.report.layers == (1, 3)
    assert session.report.untouched == ("0: LinearAttentionLayer", "2: LinearAttentionLayer")


def test_a_model_without_a_full_attention_layer_is_refused(prompt):
    model = build("Gemma2", head_dim=8, sliding_window=16, layer_types=["sliding_attention"] * 4)
    with pytest.raises(InputError, match="no layer of this cache can be compressed"), compress(model, small()):
        model(prompt(40)[0])


def test_what_is_no_model_is_refused():
    # The run that checks annotations refuses it before.
    with pytest.raises((InputError, TypeError), match="Linear"):
        compress(torch.nn.Linear(2, 2), small())


@pytest.mark.parametrize("name", ["snapkv", "h2o", "knorm", "adakv", "meda", "meda_snapkv"])
def test_attention_that_is_not_a_number_is_refused_with_its_layer(tiny_llama, prompt, name):
    model = tiny_llama()
    model.model.layers[1].self_attn.k_proj.weight.data[0, 0] = float("nan")
    with compress(model, method(name, ratio=0.9)), pytest.raises(InputError, match=r"of layer 1.* is not finite"):
        model(prompt(60)[0])


@pytest.mark.parametrize("shape", [(2, 0), (0, 4)], ids=str)
def test_a_pass_over_nothing_is_refused(tiny_llama, shape):
    model = tiny_llama()
    with compress(model, small()), pytest.raises(InputError, match="expected a token at least"):
        model(torch.zeros(shape, dtype=torch.long))


def test_foreign_caches_and_masks_are_refused(tiny_llama, prompt):
    model = tiny_llama()
    ids, _ = prompt(40)
    name = cache_argument(model)
    for cache, match in (
        (QuantizedCache("fp8", model.config), "QuantizedCache cannot be compressed"),
        (StaticCache(config=model.config, max_cache_len=64), "StaticCache cannot be compressed"),
    ):
        with compress(model, small()), pytest.raises(InputError, match=match):
            model(ids, **{name: cache})
    with compress(model, small()), pytest.raises(InputError, match="attention_mask is not 2-D"):
        model(ids, attention_mask=torch.ones(2, 1, 40, 40, dtype=torch.bool))
    with compress(model, small()), pytest.raises(InputError, match=r"leave it unset and use Recipe\(store=EightBits"):
        model.generate(ids, cache_implementation="quantized")
    with compress(model, small()), pytest.raises(InputError, match="cache_implementation='offloaded'"):
        model.generate(ids, cache_implementation="offloaded")


@pytest.mark.parametrize("parts", [{"heads": AdaHeads()}, {"store": EightBits()}], ids=["ragged", "8 bits"])
def test_attention_weights_of_ragged_rows_are_refused_instead_of_missing(tiny_llama, prompt, parts):
    model = tiny_llama("eager", dtype="float32")
    asked = {"output_attentions": True, "return_dict_in_generate": True}
    with compress(model, small()):
        assert model.generate(prompt(40)[0], **asked, **GREEDY).attentions[1][0].shape[-1] == 21
    with compress(model, small(**parts)), pytest.raises(InputError, match="output_attentions=True"):
        model.generate(prompt(40)[0], **asked, **GREEDY)


@pytest.mark.parametrize("parts", [{}, {"heads": AdaHeads()}], ids=["rectangle", "ragged"])
def test_sequences_of_very_different_length_are_each_compressed_by_their_own(tiny_llama, prompt, parts):
    model = tiny_llama()
    ids, _ = prompt(60)
    ids, mask = torch.cat([ids, ids[:1]]), torch.ones(3, 60, dtype=torch.long)
    mask[1, :57] = mask[2, :30] = 0
    with compress(model, small(**parts)) as session:
        together = model.generate(ids, attention_mask=mask, **GREEDY)
        alone = [model.generate(ids[i : i + 1, mask[i] == 1], **GREEDY) for i in range(3)]
    report = session.reports[0]
    assert report.budgets.tolist() == [[30] * 3, [3] * 3, [15] * 3]
    assert report.notes == ("sequence 1 is not longer than what is protected: all of it is kept",)
    assert report.padded_rows == (0 if parts else 3 * (3 * 30 - 48))
    for row, single in enumerate(alone):
        assert together[row, 60:].tolist() == single[0, -4:].tolist()


@pytest.mark.parametrize("name", sorted(METHODS))
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_compressed_to_the_asked_share(tiny_llama, prompt, name, dtype):
    model = tiny_llama(dtype=dtype)
    ids, mask = prompt(96)
    with compress(model, method(name, ratio=0.8)) as session:
        model.generate(ids, attention_mask=mask, **GREEDY)
    assert name == "meda_released" or session.report.kept_share == pytest.approx(0.8, abs=0.01)
    assert session.report.bytes_after < session.report.bytes_before


@pytest.mark.parametrize("name", ["meda", "adakv"])
def test_a_pass_that_records_gradients_frees_the_evicted_rows_all_the_same(tiny_llama, prompt, name):
    model = tiny_llama()
    cache = CompressedCache(model.config)
    with compress(model, method(name, ratio=0.8)) as session:
        model(prompt(60)[0], **{cache_argument(model): cache})
    assert storage_bytes(cache) == session.report.bytes_after
    held = [layer.keys if layer.ragged is None else layer.ragged.keys.codes for layer in cache.layers]
    assert not any(keys.requires_grad for keys in held), "a graph would hold what was evicted"


def test_a_session_can_be_entered_again_but_not_inside_itself(tiny_llama, prompt):
    model = tiny_llama()
    ids, _ = prompt(40)
    session = compress(model, small())
    for _ in range(2):
        with session:
            model.generate(ids, **GREEDY)
    assert len(session.reports) == 2
    with session, pytest.raises(InputError, match="already inside compress"), session:
        pass
    assert model.config._attn_implementation == "sdpa"
    assert not {"generate", "forward"} & set(vars(model))
