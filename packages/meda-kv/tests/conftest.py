import os
from collections.abc import Callable
from contextlib import contextmanager

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
    """Draw token ids, the second sequence padded when asked: on the left, or on the right by a negative number."""

    def draw(tokens: int = 48, padding: int = 0, seed: int = 0):
        import torch

        generator = torch.Generator().manual_seed(seed)
        ids = torch.randint(1, 97, (2, tokens), generator=generator)
        mask = torch.ones_like(ids)
        mask[1, : max(padding, 0)] = mask[1, tokens + min(padding, 0) :] = 0
        return ids.masked_fill(mask == 0, 0), mask

    return draw


@pytest.fixture
def hidden() -> Callable:
    """Hide from every query head of a full cache what its key head evicted, once the prompt has passed."""
    import torch

    from medsuite.meda_kv.attention import attention_modules, cache_argument
    from medsuite.meda_kv.cache import compressible

    def kept(layer, prompt_mask):
        heads = layer.keys.shape[1]
        rows = torch.zeros(len(prompt_mask), heads, prompt_mask.shape[1], dtype=torch.bool)
        for row in range(len(rows)):
            for head in range(heads):
                rows[row, head, layer.columns(row, head).long()] = True
        return rows & prompt_mask.bool()[:, None]

    @contextmanager
    def hiding(model, evicted, prompt_mask):
        layers, tokens = compressible(evicted), prompt_mask.shape[1]

        def before(module, args, kwargs):
            query = (kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]).shape[1]
            seen = kwargs[cache_argument(module)].layers[module.layer_idx].get_seq_length()
            if seen < tokens or module.layer_idx not in layers:
                return args, kwargs
            rows = kept(layers[module.layer_idx], prompt_mask)
            heads = module.config.num_attention_heads
            visible = torch.ones(query, seen + query).tril(seen).bool().repeat(len(rows), heads, 1, 1)
            visible[..., :tokens] &= rows.repeat_interleave(heads // rows.shape[1], dim=1)[:, :, None]
            if module.config._attn_implementation == "eager":
                visible = torch.zeros(visible.shape).masked_fill(~visible, torch.finfo(model.dtype).min).to(model.dtype)
            return args, {**kwargs, "attention_mask": visible}

        modules = attention_modules(model.get_decoder()).values()
        handles = [module.register_forward_pre_hook(before, with_kwargs=True) for module in modules]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    return hiding
