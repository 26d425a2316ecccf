"""What `inspect` says of a model against the cache that the model really fills."""

import re

import pytest
import torch
import transformers

from medsuite.core.errors import InputError
from medsuite.meda_kv.attention import cache_argument
from medsuite.meda_kv.cache import CompressedCache, compressible, layer_bytes
from medsuite.meda_kv.inspection import inspect_model, inspection_text

SMALL = {
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


def build(family, **settings):
    config = getattr(transformers, f"{family}Config")(**{**SMALL, **settings})
    return getattr(transformers, f"{family}ForCausalLM")(config).eval()


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("Llama", {}),
        ("Qwen3", {"head_dim": 16}),
        ("Gemma2", {"head_dim": 8, "sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"]}),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_bytes_of_a_token_are_those_that_a_cache_grows_by(family, settings, dtype):
    model = build(family, **settings).to(dtype)
    sizes = []
    for tokens in (8, 9):
        cache = CompressedCache(model.config)
        with torch.no_grad():
            model(torch.ones(1, tokens, dtype=torch.long), **{cache_argument(model): cache})
        sizes.append(sum(map(layer_bytes, compressible(cache).values())))
    assert inspect_model(model).token_bytes == sizes[1] - sizes[0]


def test_a_model_without_grouped_heads_has_as_many_key_heads_as_query_heads():
    config = transformers.GPT2Config(
        vocab_size=97, n_embd=32, n_layer=3, n_head=4, bos_token_id=None, eos_token_id=None
    )
    found = inspect_model(transformers.GPT2LMHeadModel(config).eval())
    assert (found.heads, found.layers) == ((4, 4), {"DynamicLayer": 3})
    assert found.token_bytes == 2 * 3 * 32 * 4


VERDICTS = {
    "sliding layers alone": (
        lambda: build("Gemma2", head_dim=8, layer_types=["sliding_attention"] * 2),
        "not supported: no full-attention layer",
    ),
    "training": (lambda: build("Llama").train(), "not supported: .*training mode"),
    "another attention": (
        lambda: build("Llama", attn_implementation="flex_attention"),
        "not supported: .*flex_attention",
    ),
    "eager": (lambda: build("Llama", attn_implementation="eager"), "supported with eager attention"),
}


@pytest.mark.parametrize("case", VERDICTS)
def test_the_verdict_says_why(case):
    make, verdict = VERDICTS[case]
    assert re.fullmatch(verdict + ".*", inspect_model(make()).verdict, flags=re.DOTALL)


def test_no_methods_show_the_model_alone():
    assert inspection_text("tiny", [], 0.5, 256) == inspection_text("tiny", ["snapkv"], 0.5, 0)


def test_budgets_of_a_passage_sum_to_the_asked_share():
    text = inspection_text("tiny", ["knorm", "pyramidkv"], 0.5, 200)
    assert "200 tokens of text, kept share 0.5" in text
    rows = [list(map(int, line.split())) for line in text.splitlines() if re.fullmatch(r"\d+( +\d+)+", line)]
    columns = list(zip(*rows, strict=True))[1:]
    assert [sum(column) for column in columns] == [200, 200]
    assert columns[0] == (100, 100)
    assert columns[1][0] > columns[1][1]
    assert "note" not in text


def test_entropies_stand_beside_the_methods_that_measure_them():
    head = inspection_text("tiny", ["knorm", "meda"], 0.5, 200).splitlines()
    (names,) = [line.split() for line in head if line.startswith("layer ")]
    assert names == ["layer", "knorm", "meda", "entropy"]


def test_a_passage_too_short_for_a_method_names_the_method_and_the_way_out():
    with pytest.raises(InputError, match=r"snapkv: .*--prompt-tokens 0 shows the model alone"):
        inspection_text("tiny", ["snapkv"], 0.1, 64)


def test_an_unknown_method_is_refused_before_anything_is_read():
    with pytest.raises(InputError, match="did you mean 'knorm'"):
        inspection_text("tiny", ["knrm"], 0.5, 64)
