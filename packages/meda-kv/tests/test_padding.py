"""A sequence in a batch, with padding in front, is measured and scored as it is alone."""

from dataclasses import replace

import pytest
import torch

from medsuite.meda_kv import Budget, CompressedCache, KeyNorm, Pages, Protect, Recipe, Streaming, compress
from medsuite.meda_kv.allocate import ALLOCATORS
from medsuite.meda_kv.attention import cache_argument
from medsuite.meda_kv.observe.blocks import AttentionInputs
from medsuite.meda_kv.observe.observer import LayerObserver, ObservationPlan, Tokens
from medsuite.meda_kv.select import SELECTORS, LayerView

TOKENS = 18
EVERYTHING = frozenset({"full entropy", "cross entropy", "accumulated attention"})


def drawn():
    generator = torch.Generator().manual_seed(3)
    query = torch.randn(1, 4, TOKENS, 6, generator=generator, dtype=torch.float64)
    key = torch.randn(1, 2, TOKENS, 6, generator=generator, dtype=torch.float64)
    vision = ((torch.arange(TOKENS) > 2) & (torch.arange(TOKENS) < 12))[None]
    return query, key, vision


def seen(padding, window):
    """One sequence's layer behind some columns of padding, whose keys and queries are noise."""
    query, key, vision = drawn()
    noise = 9 * torch.randn(1, 4, padding, 6, dtype=torch.float64)
    query, key = torch.cat([noise, query], 2), torch.cat([noise[:, :2], key], 2)
    vision = torch.nn.functional.pad(vision, (padding, 0))
    valid = (torch.arange(TOKENS + padding) >= padding)[None]
    causal = torch.ones(TOKENS + padding, TOKENS + padding).tril().bool()
    tokens = Tokens(valid, vision, torch.tensor([True]))
    inputs = AttentionInputs(query, key, 0.6, (causal & valid[:, None])[:, None])
    observed = LayerObserver(ObservationPlan(EVERYTHING, window)).observe(inputs, tokens)
    return LayerView(2, key, valid, vision, observed)


def short(part, window):
    part = replace(part, base=short(part.base, window)) if hasattr(part, "needs") and _wraps(part) else part
    return replace(part, queries=window) if hasattr(part, "queries") else part


def _wraps(part):
    return hasattr(part, "base") and not isinstance(part.base, float)


@pytest.mark.parametrize("window", [4, 30], ids=["a window", "a window longer than the prompt"])
@pytest.mark.parametrize("name", sorted(set(ALLOCATORS) - {"uniform", "pyramid", "late"}))
def test_every_allocator_measures_it_alike(name, window):
    part = short(ALLOCATORS[name](), window)
    alone, padded = (part.measure(seen(padding, window)) for padding in (0, 5))
    torch.testing.assert_close(padded, alone)


@pytest.mark.parametrize("window", [4, 30], ids=["a window", "a window longer than the prompt"])
@pytest.mark.parametrize("name", sorted(set(SELECTORS) - {"random", "streaming"}))
def test_every_selector_scores_it_alike(name, window):
    part = short(SELECTORS[name](), window)
    scores = []
    for padding in (0, 5):
        view = seen(padding, window)
        scores.append(part.bind(lambda _, view=view: view).scores(view)[..., padding:])
    torch.testing.assert_close(scores[1], scores[0])


@pytest.mark.parametrize("padding", [3, -3], ids=["left", "right"])
def test_pages_begin_at_a_sequences_own_first_token(tiny_llama, prompt, padding):
    model = tiny_llama()
    ids, mask = prompt(40, padding)
    own = slice(3, None) if padding > 0 else slice(None, -3)
    caches = []
    recipe = Recipe(Budget(ratio=0.5), select=Pages(KeyNorm(), size=4), protect=Protect(sinks=0))
    with compress(model, recipe), torch.no_grad():
        for tokens, valid in ((ids, mask), (ids[1:, own], mask[1:, own])):
            caches.append(CompressedCache(model.config))
            model(tokens, attention_mask=valid, **{cache_argument(model): caches[-1]})
    for together, alone in zip(*(cache.layers for cache in caches), strict=True):
        assert (together.columns(1, 0) - max(padding, 0)).tolist() == alone.columns(0, 0).tolist()


def test_the_last_tokens_stay_the_last_behind_padding(tiny_llama, prompt):
    model = tiny_llama(layers=2)
    ids, mask = prompt(20, padding=8)
    cache = CompressedCache(model.config)
    recipe = Recipe(Budget(ratio=0.5), select=Streaming(), protect=Protect(sinks=2))
    with compress(model, recipe), torch.no_grad():
        model(ids, attention_mask=mask, **{cache_argument(model): cache})
    assert cache.layers[0].columns(1, 0).tolist() == [8, 9, 16, 17, 18, 19]
