"""Log-likelihoods of sequences against the plain definition: the whole sequence through the model, its own logits."""

from typing import Any

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.core import tiny
from medsuite.core.errors import InputError
from medsuite.core.llm import likelihood
from medsuite.core.llm.likelihood import Scored, check_head, log_likelihoods

SMALL: dict[str, Any] = {"vocab_size": 40, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3}
HEADS: dict[str, Any] = {"num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8}


def build(family: str) -> Any:
    torch.manual_seed(0)
    configs = {
        "gpt2": transformers.GPT2Config(vocab_size=40, n_embd=16, n_layer=2, n_head=2, n_positions=128),
        "llama": transformers.LlamaConfig(**SMALL, **HEADS, initializer_range=0.5),
        "mistral": transformers.MistralConfig(**SMALL, **HEADS, sliding_window=8, initializer_range=0.5),
        "gemma2": transformers.Gemma2Config(
            **SMALL, **HEADS, sliding_window=8, final_logit_softcapping=2.0, initializer_range=0.5
        ),
        "granite": transformers.GraniteConfig(
            **SMALL, num_attention_heads=2, logits_scaling=3.0, initializer_range=0.5
        ),
        "cohere": transformers.CohereConfig(**SMALL, num_attention_heads=2, logit_scale=0.2, initializer_range=0.5),
        "phi": transformers.PhiConfig(**SMALL, num_attention_heads=2, initializer_range=0.5),
    }
    model = transformers.AutoModelForCausalLM.from_config(configs[family]).eval()
    if getattr(model.get_output_embeddings(), "bias", None) is not None:
        torch.nn.init.normal_(model.get_output_embeddings().bias)
    return model


FAMILIES = ("gpt2", "llama", "mistral", "gemma2", "granite", "cohere", "phi")


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    return {family: build(family) for family in FAMILIES}


@torch.inference_mode()
def by_definition(model: Any, prompt: tuple[int, ...], option: tuple[int, ...]) -> float:
    logits = model(torch.tensor([prompt + option])).logits[0].double().log_softmax(-1)
    return sum(float(logits[len(prompt) + place - 1, token]) for place, token in enumerate(option))


TOKENS = st.lists(st.integers(0, 39), min_size=1, max_size=6).map(tuple)
BEGINNING = st.lists(st.integers(0, 39), min_size=17, max_size=24).map(tuple)


@settings(max_examples=60)
@given(
    st.sampled_from(FAMILIES),
    BEGINNING,
    st.lists(st.tuples(st.booleans(), TOKENS, TOKENS), min_size=1, max_size=7),
    st.integers(1, 4),
)
def test_any_mixture_of_prompts_and_options_is_scored_by_the_definition(
    models: dict[str, Any],
    family: str,
    beginning: tuple[int, ...],
    parts: list[tuple[bool, tuple[int, ...], tuple[int, ...]]],
    batch_size: int,
) -> None:
    model = models[family]
    scored: list[Scored] = [((beginning if joined else ()) + prompt, option) for joined, prompt, option in parts]
    expected = [by_definition(model, *pair) for pair in scored]
    assert log_likelihoods(model, scored, batch_size) == pytest.approx(expected, abs=1e-4)


def count_tokens(model: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    ran: list[int] = []
    forward = model.base_model.forward

    def counted(tokens: torch.Tensor, **given: Any) -> Any:
        ran.append(tokens.numel())
        return forward(tokens, **given)

    counted.__signature__ = likelihood.inspect.signature(forward)  # type: ignore[attr-defined]
    monkeypatch.setattr(model.base_model, "forward", counted)
    return ran


def test_options_of_one_token_cost_the_prompt_alone(models: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    ran = count_tokens(models["llama"], monkeypatch)
    log_likelihoods(models["llama"], [((1, 2, 3), (option,)) for option in range(4)], 8)
    assert ran == [3]


def test_a_common_beginning_is_run_once(models: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    ran = count_tokens(models["llama"], monkeypatch)
    beginning = tuple(range(30))
    log_likelihoods(models["llama"], [((*beginning, 35 + n, n), (1,)) for n in range(4)], 8)
    assert ran == [30, 4 * 2]


def test_a_model_whose_states_cannot_be_shared_is_run_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    config = transformers.MambaConfig(vocab_size=40, hidden_size=16, num_hidden_layers=2, state_size=4)
    torch.manual_seed(0)
    model = transformers.MambaForCausalLM(config).eval()
    scored = [((*range(30), 35 + n), (n, 1)) for n in range(3)]
    expected = [by_definition(model, *pair) for pair in scored]
    assert log_likelihoods(model, scored, 8) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_output_layer_is_found_in_order(family: str, dtype: torch.dtype) -> None:
    check_head(build(family).to(dtype), (1, 2, 3, 4, 5))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_output_layer_of_another_kind_is_refused(dtype: torch.dtype) -> None:
    model = tiny.llama().model.to(dtype)
    model.lm_head.register_forward_hook(lambda module, given, logits: 1.1 * logits)
    with pytest.raises(InputError, match="an output layer of its own kind"):
        check_head(model, (5, 6, 7))
