"""Evicting rows from the cache is the same as hiding them from a full cache with a mask."""

from dataclasses import replace

import pytest
import torch
from transformers import DynamicCache

from medsuite.meda_kv import (
    AdaHeads,
    Budget,
    CompressedCache,
    Drop,
    EqualHeads,
    FullRowEntropy,
    Protect,
    Recipe,
    SnapKV,
    compress,
)
from medsuite.meda_kv.allocate import ALLOCATORS
from medsuite.meda_kv.attention import cache_argument
from medsuite.meda_kv.select import SELECTORS

TOKENS = 40


def evicting(selector=None, allocator=None, ratio=0.5, **parts):
    selector = SnapKV(queries=6) if selector is None else selector
    return Recipe(Budget(ratio=ratio), allocator or FullRowEntropy(), selector, Drop(), Protect(sinks=2), **parts)


def short(part):
    """Give a part that looks at a window a short one."""
    if hasattr(part, "base") and not isinstance(part.base, float):
        return replace(part, base=short(part.base))
    return replace(part, queries=6) if hasattr(part, "queries") else part


def continuation(steps):
    return torch.randint(1, 97, (2, sum(steps)), generator=torch.Generator().manual_seed(9)).split(steps, dim=1)


def forward(model, cache, ids, mask):
    return model(ids, attention_mask=mask, use_cache=True, **{cache_argument(model): cache}).logits


@torch.no_grad()
def run(model, cache, ids, mask, steps):
    """Logits of the prompt and of each step behind it, padding masked in two dimensions."""
    outputs = [forward(model, cache, ids, mask)]
    for step in continuation(steps):
        mask = torch.cat([mask, torch.ones_like(step)], dim=1)
        outputs.append(forward(model, cache, step, mask))
    return outputs


def both_ways(hidden, model, recipe, ids, mask, steps):
    cache = CompressedCache(model.config)
    with compress(model, recipe):
        evicted = run(model, cache, ids, mask, steps)
    with hidden(model, cache, mask):
        masked = run(model, DynamicCache(config=model.config), ids, mask, steps)
    return evicted, masked, cache


@pytest.mark.parametrize("heads", [EqualHeads(), AdaHeads()], ids=["equal heads", "heads as scores lie"])
@pytest.mark.parametrize("steps", [(1, 1, 1, 1), (3, 1, 2)], ids=["one by one", "several at once"])
@pytest.mark.parametrize("padding", [0, 9, -9], ids=["no padding", "left padding", "right padding"])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_eviction_equals_masking(hidden, tiny_llama, prompt, attention, padding, steps, heads):
    # Eager attention takes its softmax in single precision, whatever the model's.
    model = tiny_llama(attention, dtype="float64" if attention == "sdpa" else "float32")
    ids, mask = prompt(TOKENS, padding)
    evicted, masked, cache = both_ways(hidden, model, evicting(heads=heads), ids, mask, steps)
    kept = [[len(layer.columns(0, head)) for head in range(2)] for layer in cache.layers]
    assert len(set(map(sum, kept))) > 1, "budgets differ between layers"
    assert any(first != second for first, second in kept) == heads.uneven
    for ours, truth in zip(evicted, masked, strict=True):
        torch.testing.assert_close(ours[:, -1], truth[:, -1], atol=1e-9 if attention == "sdpa" else 1e-5, rtol=0)


@pytest.mark.parametrize("selector", sorted(SELECTORS))
@pytest.mark.parametrize("allocator", sorted(ALLOCATORS))
def test_eviction_equals_masking_for_every_allocator_and_selector(hidden, tiny_llama, prompt, allocator, selector):
    model = tiny_llama()
    ids, mask = prompt(TOKENS, 9)
    parts = [short(SELECTORS[selector]()), short(ALLOCATORS[allocator]())]
    evicted, masked, _ = both_ways(hidden, model, evicting(*parts), ids, mask, (1, 2))
    torch.testing.assert_close(evicted[-1], masked[-1], atol=1e-9, rtol=0)


def test_without_the_hidden_rows_the_logits_would_differ(hidden, tiny_llama, prompt):
    model = tiny_llama()
    ids, mask = prompt(TOKENS, 9)
    evicted, _, _ = both_ways(hidden, model, evicting(), ids, mask, (1, 1))
    full = run(model, DynamicCache(config=model.config), ids, mask, (1, 1))
    assert (evicted[-1] - full[-1]).abs().max() > 1e-2
