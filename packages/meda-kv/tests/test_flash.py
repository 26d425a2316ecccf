"""Flash attention with its kernel replaced by a slow one of the same contract: everything but the kernel is real."""

import pytest
import torch
from transformers import modeling_flash_attention_utils as flash

from medsuite.meda_kv import (
    H2O,
    AdaHeads,
    Budget,
    CompressedCache,
    CrossModalEntropy,
    FullRowEntropy,
    Protect,
    Recipe,
    SnapKV,
    compress,
)
from medsuite.meda_kv.attention import FLASH, cache_argument

LOADED = []


def dense(q, k, v, softmax_scale, causal):
    """Attention over `[batch, tokens, heads, dim]`, causal from the bottom right."""
    groups = q.shape[2] // k.shape[2]
    k, v = k.repeat_interleave(groups, 2), v.repeat_interleave(groups, 2)
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) * softmax_scale
    if causal:
        seen = torch.ones(q.shape[1], k.shape[1]).tril(k.shape[1] - q.shape[1]).bool()
        scores = scores.masked_fill(~seen, -torch.inf)
    return torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1), v)


def packed(q, k, v, cu_seqlens_q, cu_seqlens_k, max_seqlen_q, max_seqlen_k, softmax_scale, causal):
    """The same over sequences behind each other."""
    edges = zip(cu_seqlens_q[:-1], cu_seqlens_q[1:], cu_seqlens_k[:-1], cu_seqlens_k[1:], strict=True)
    parts = [dense(q[None, a:b], k[None, c:d], v[None, c:d], softmax_scale, causal)[0] for a, b, c, d in edges]
    return torch.cat(parts)


@pytest.fixture
def kernel(monkeypatch):
    LOADED.clear()
    process = flash._lazy_define_process_function(packed)

    def load(name):
        LOADED.append(name)
        return (dense, packed, None, flash._pad_input, flash._unpad_input), (process, process)

    monkeypatch.setattr(flash, "lazy_import_flash_attention", load)


def recipe(ratio=0.5, **parts):
    parts = {"allocate": FullRowEntropy(), "select": SnapKV(queries=6), "protect": Protect(sinks=2), **parts}
    return Recipe(Budget(ratio=ratio), **parts)


@torch.no_grad()
def run(model, ids, mask, parts):
    """Logits of tokens that are no padding, the prompt read in two chunks."""
    cache, name, outputs = CompressedCache(model.config), cache_argument(model), []
    with compress(model, recipe(**parts)) as session:
        session.begin_prefill(40)
        outputs = [model(ids[:, :25], attention_mask=mask[:, :25], **{name: cache}).logits[:, -1]]
        outputs.append(model(ids[:, 25:], attention_mask=mask, **{name: cache}).logits[:, 0])
        for count in (1, 3, 1):
            mask = torch.cat([mask, torch.ones(2, count, dtype=torch.long)], dim=1)
            outputs.append(model(ids[:, :count], attention_mask=mask, **{name: cache}).logits.flatten(0, 1))
    return torch.cat(outputs), session.report


@pytest.mark.parametrize("padding", [0, 9, -9], ids=["no padding", "left padding", "right padding"])
@pytest.mark.parametrize(
    "parts",
    [{}, {"select": H2O(), "allocate": CrossModalEntropy()}, {"heads": AdaHeads()}],
    ids=["equal heads", "accumulated attention", "heads as scores lie"],
)
@pytest.mark.parametrize("name", FLASH)
def test_flash_attention_gives_what_sdpa_gives(kernel, tiny_llama, prompt, name, parts, padding):
    model, fast = tiny_llama(), tiny_llama()
    fast.config._attn_implementation = name
    ids, mask = prompt(40, padding)
    truth, expected = run(model, ids, mask, parts)
    logits, report = run(fast, ids, mask, parts)
    assert (report.budgets == expected.budgets).all()
    torch.testing.assert_close(logits, truth, atol=1e-9, rtol=0)
    assert set(LOADED) == {name}, "the kernel is loaded by its own name"
    assert fast.config._attn_implementation == name


def test_generation_keeps_its_tokens_when_everything_is_kept(kernel, tiny_llama, prompt):
    model = tiny_llama()
    model.config._attn_implementation = "flash_attention_2"
    ids, mask = prompt(40, 9)
    settings = {"attention_mask": mask, "max_new_tokens": 6, "min_new_tokens": 6, "do_sample": False}
    plain = model.generate(ids, **settings)
    with compress(model, recipe(1.0)):
        assert torch.equal(model.generate(ids, **settings), plain)
