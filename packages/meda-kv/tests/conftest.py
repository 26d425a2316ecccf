import os
from collections.abc import Callable

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def tiny_llama() -> Callable:
    """Build a Llama with grouped heads and sharp random attention, in double precision."""

    def build(attention: str = "sdpa", layers: int = 3, dtype: str = "float64", seed: int = 0):
        import torch
        from transformers import LlamaConfig, LlamaForCausalLM

        torch.manual_seed(seed)
        config = LlamaConfig(
            vocab_size=97,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=2,
            initializer_range=0.3,
            attn_implementation=attention,
            bos_token_id=None,
            eos_token_id=None,
            pad_token_id=0,
        )
        return LlamaForCausalLM(config).to(getattr(torch, dtype)).eval()

    return build


@pytest.fixture
def prompt() -> Callable:
    """Draw token ids, the second sequence left-padded when asked."""

    def draw(tokens: int = 48, padding: int = 0, seed: int = 0):
        import torch

        generator = torch.Generator().manual_seed(seed)
        ids = torch.randint(1, 97, (2, tokens), generator=generator)
        mask = torch.ones_like(ids)
        mask[1, :padding] = 0
        return ids.masked_fill(mask == 0, 0), mask

    return draw
