"""Families of decoders that route their attention through the interface, as tiny random real classes."""

import pytest
import torch
import transformers

from medsuite.core.errors import InputError
from medsuite.meda_kv import H2O, Budget, FullRowEntropy, Protect, Recipe, SnapKV, compress
from medsuite.meda_kv.inspection import inspect_model

GENERAL = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": None,
}
GREEDY = {"max_new_tokens": 4, "min_new_tokens": 4, "do_sample": False}


def build(family, attention="sdpa", **settings):
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**{**GENERAL, **settings, "attn_implementation": attention})
    return getattr(transformers, f"{family}ForCausalLM")(config).eval()


FAMILIES = {
    "Llama": {},
    "Mistral": {"sliding_window": None},
    "Qwen2": {},
    "Qwen3": {"head_dim": 8},
    "Phi3": {},
    "StableLm": {},
    "Gemma": {"head_dim": 8},
    "Granite": {},
    "Olmo2": {},
}


def prompt():
    ids = torch.randint(1, 97, (2, 40), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, :9] = 0
    return ids, mask


def generate(model):
    ids, mask = prompt()
    return model.generate(ids, attention_mask=mask, **GREEDY)


def recipe(ratio, selector=None):
    return Recipe(Budget(ratio=ratio), FullRowEntropy(), selector or H2O(), protect=Protect(sinks=2))


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_family_generates_as_before_when_all_is_kept_and_shrinks_when_not(family, attention):
    model = build(family, attention, **FAMILIES[family])
    plain = generate(model)
    with compress(model, recipe(1.0)):
        assert torch.equal(generate(model), plain)
    with compress(model, recipe(0.5)) as session:
        assert generate(model).shape == plain.shape
    assert session.report.saved_share == pytest.approx(0.5, abs=0.1)
    assert f"supported with {attention}" in inspect_model(model).verdict


@pytest.mark.parametrize("family", ["GPT2", "OPT"])
def test_a_family_with_learned_positions_is_compressed(family):
    names = {"GPT2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128, "n_inner": 48}}
    sizes = names.get(family, {"ffn_dim": 48, "word_embed_proj_dim": 32, "max_position_embeddings": 128})
    torch.manual_seed(0)
    general = GENERAL if family == "OPT" else {"vocab_size": 97, "bos_token_id": None, "eos_token_id": None}
    config = getattr(transformers, f"{family}Config")(**{**general, **sizes})
    model = getattr(transformers, "GPT2LMHeadModel" if family == "GPT2" else "OPTForCausalLM")(config).eval()
    plain = generate(model)
    with compress(model, recipe(1.0)):
        assert torch.equal(generate(model), plain)
    with compress(model, recipe(0.5)) as session:
        generate(model)
    assert session.report.kept_share == pytest.approx(0.5, abs=0.02)


def test_sliding_layers_are_left_alone_and_named():
    layers = ["sliding_attention", "full_attention"]
    model = build("Gemma2", "eager", head_dim=8, sliding_window=16, layer_types=layers)
    plain = generate(model)
    with compress(model, recipe(1.0)):
        assert torch.equal(generate(model), plain)
    with compress(model, recipe(0.5, SnapKV(queries=4))) as session:
        generate(model)
    assert session.report.layers == (1,)
    assert session.report.untouched == ("0: DynamicSlidingWindowLayer",)
    assert inspect_model(model).layers == {"DynamicSlidingWindowLayer": 1, "DynamicLayer": 1}


def test_soft_capping_is_observed_as_the_model_applies_it():
    """Gemma 2 caps its scores: the observer's entropy is that of the weights that the model itself returns."""
    model = build("Gemma2", "eager", head_dim=8, attn_logit_softcapping=0.5, layer_types=["full_attention"] * 2)
    ids, _ = prompt()
    with torch.no_grad():
        weights = model(ids, output_attentions=True).attentions
    truth = [-torch.xlogy(layer, layer).sum(-1).mean((1, 2)) for layer in weights]
    with compress(model, recipe(0.5)) as session, torch.no_grad():
        model(ids)
    torch.testing.assert_close(
        torch.tensor(session.report.entropy).float(), torch.stack(truth, dim=1), atol=1e-5, rtol=0
    )


def test_a_model_that_never_calls_the_interface_is_refused():
    torch.manual_seed(0)
    config = transformers.FalconConfig(
        vocab_size=97, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, bos_token_id=None, eos_token_id=None
    )
    model = transformers.FalconForCausalLM(config).eval()
    with pytest.raises(InputError, match="attention"), compress(model, recipe(0.5)):
        model(prompt()[0])


def test_latent_caches_are_refused():
    model = build(
        "DeepseekV3",
        kv_lora_rank=16,
        q_lora_rank=16,
        qk_rope_head_dim=8,
        qk_nope_head_dim=8,
        v_head_dim=8,
        first_k_dense_replace=2,
        num_key_value_heads=4,
    )
    before = model.config._attn_implementation
    with pytest.raises(InputError, match="caches"), compress(model, recipe(0.5)):
        model(prompt()[0])
    assert model.config._attn_implementation == before


def test_learned_sinks_are_refused():
    model = build("GptOss", "eager", head_dim=8, num_local_experts=2, layer_types=["full_attention"] * 2)
    with pytest.raises(InputError, match="learned attention sinks"), compress(model, recipe(0.5)):
        model(prompt()[0])


def test_other_attention_implementations_are_refused_with_the_way_out():
    model = build("Llama", "flex_attention")
    with pytest.raises(InputError, match="attn_implementation='sdpa'"):
        compress(model, recipe(0.5))
    assert inspect_model(model).verdict.startswith("not supported")
