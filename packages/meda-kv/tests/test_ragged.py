"""Ragged rows free what they evict, and attention over them is attention over a masked full cache."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from medsuite.meda_kv import (
    METHODS,
    AdaHeads,
    AverageMerge,
    Budget,
    CompressedCache,
    EightBits,
    KeyNorm,
    Protect,
    Recipe,
    SnapKV,
    compress,
    index_bytes,
    method,
    storage_bytes,
)
from medsuite.meda_kv.attention import cache_argument
from medsuite.meda_kv.evaluate.details import kept_by_token
from medsuite.meda_kv.observe.observer import LayerObserver, ObservationPlan
from medsuite.meda_kv.packing import keep_ragged
from medsuite.meda_kv.quantise import AsComputed
from medsuite.meda_kv.ragged import RaggedRows, ragged_attention
from medsuite.meda_kv.select.base import LayerView

GREEDY = {"max_new_tokens": 6, "min_new_tokens": 6, "do_sample": False}


def per_head(ratio=0.5, **parts):
    parts = {"select": SnapKV(queries=6), "protect": Protect(sinks=2), "heads": AdaHeads(), **parts}
    return Recipe(Budget(ratio=ratio), **parts)


def packed(lengths, slots=9, dim=4, seed=0):
    """Full keys and values, which of their slots are kept, and the ragged rows of those."""
    generator = torch.Generator().manual_seed(seed)
    batch, heads = len(lengths), len(lengths[0])
    keys, values = torch.randn(2, batch, heads, slots, dim, dtype=torch.float64, generator=generator)
    kept = torch.zeros(batch, heads, slots, dtype=torch.bool)
    for row, counts in enumerate(lengths):
        for head, count in enumerate(counts):
            kept[row, head, torch.randperm(slots, generator=generator)[:count]] = True
    ends = torch.tensor(lengths).flatten().cumsum(0)
    bounds = torch.stack([ends - torch.tensor(lengths).flatten(), ends], -1).view(batch, heads, 2)
    stored = [AsComputed().store(full[kept]) for full in (keys, values)]
    return keys, values, kept, RaggedRows(*stored, kept.nonzero()[:, 2].int(), bounds)


@settings(deadline=None)
@given(
    lengths=st.lists(st.lists(st.integers(1, 9), min_size=2, max_size=2), min_size=1, max_size=3),
    new=st.integers(1, 4),
    group=st.integers(1, 3),
    masked=st.booleans(),
)
def test_attention_over_ragged_rows_equals_attention_under_a_mask_per_head(lengths, new, group, masked):
    keys, values, kept, rows = packed(lengths)
    batch = len(lengths)
    query = torch.randn(batch, 2 * group, new, 4, dtype=torch.float64)
    behind, behind_values = torch.randn(2, batch, 2, new, 4, dtype=torch.float64)
    visible = torch.ones(new, new).tril().bool().expand(batch, 1, new, new) if masked else None
    ours = ragged_attention(query, rows, behind, behind_values, visible, scale=0.7)
    tail = torch.ones(batch, 1, new, new).bool() if visible is None else visible
    mask = torch.cat([kept[:, :, None].expand(-1, -1, new, -1), tail.expand(-1, 2, -1, -1)], -1)
    truth = scaled_dot_product_attention(
        query,
        torch.cat([keys, behind], 2),
        torch.cat([values, behind_values], 2),
        attn_mask=mask.repeat_interleave(group, 1),
        scale=0.7,
        enable_gqa=True,
    )
    torch.testing.assert_close(ours, truth, atol=1e-12, rtol=0)


def test_many_new_tokens_attend_in_blocks_like_all_at_once():
    _, _, _, rows = packed([[3, 7]])
    query = torch.randn(1, 2, 600, 4, dtype=torch.float64)
    keys, values = torch.randn(2, 1, 2, 5, 4, dtype=torch.float64)
    visible = torch.rand(1, 1, 600, 5) > 0.5
    together = ragged_attention(query, rows, keys, values, visible, scale=1.0)
    alone = ragged_attention(query[:, :, 577:578], rows, keys, values, visible[:, :, 577:578], scale=1.0)
    torch.testing.assert_close(together[:, :, 577:578], alone, atol=1e-12, rtol=0)


def test_soft_capping_bounds_the_scores_but_shows_no_hidden_row():
    _, _, _, rows = packed([[1, 3]])
    query = 1000 * torch.randn(1, 2, 1, 4, dtype=torch.float64)
    keys = values = torch.zeros(1, 2, 0, 4, dtype=torch.float64)
    output = ragged_attention(query, rows, keys, values, None, scale=1.0, softcap=1e-9)
    for head, (start, end) in enumerate(rows.bounds[0].tolist()):
        torch.testing.assert_close(
            output[0, head, 0], rows.values.read(start, end, torch.float64).mean(0), atol=1e-6, rtol=0
        )


def test_bytes_are_those_of_the_kept_rows_of_each_head(tiny_llama, prompt):
    model = tiny_llama()
    ids, mask = prompt(40, padding=9)
    cache = CompressedCache(model.config)
    with compress(model, per_head()) as session, torch.no_grad():
        model(ids, attention_mask=mask, **{cache_argument(model): cache})
    report = session.report
    rows = int(report.head_budgets.sum())
    assert rows == 2 * 3 * (20 + 15) + 2 * 1, "the slots of 40 and 31 tokens in 3 layers, 1 left over, for 2 heads"
    assert report.bytes_after == storage_bytes(cache) == rows * 2 * 8 * 8
    assert report.bytes_before == 2 * 2 * 3 * 40 * 2 * 8 * 8
    assert report.bytes_before < report.peak_bytes < report.bytes_before + report.bytes_after
    assert report.index_bytes == index_bytes(cache) == 4 * rows + 3 * 2 * 2 * 2 * 8
    assert report.padded_rows == 0
    assert "heads keep" in str(report)


@pytest.mark.parametrize("merge", [AverageMerge(), AverageMerge(keys=True)], ids=["values", "keys and values"])
def test_equal_heads_give_the_same_rows_ragged_as_in_a_rectangle(tiny_llama, prompt, merge):
    model = tiny_llama()
    ids, mask = prompt(40, padding=9)
    caches = []
    for heads in ({}, {"heads": AdaHeads(floor=1.0)}):
        cache = CompressedCache(model.config)
        with compress(model, Recipe(Budget(ratio=0.5), select=KeyNorm(), merge=merge, **heads)), torch.no_grad():
            model(ids, attention_mask=mask, **{cache_argument(model): cache})
        caches.append(cache)
    for rectangle, flat in zip(*(cache.layers for cache in caches), strict=True):
        assert rectangle.ragged is None
        valid = rectangle.held(2, ids.device)
        held = valid[:, None].expand(2, 2, -1)
        assert torch.equal(flat.ragged.positions, rectangle.positions[held])
        assert torch.equal(flat.ragged.keys.codes, rectangle.keys[held])
        assert torch.equal(flat.ragged.values.codes, rectangle.values[held])
        assert torch.equal(flat.ragged.counts, rectangle.counts[held])


def test_what_is_shown_of_the_prompt_counts_the_rows_of_each_head(tiny_llama, prompt):
    model = tiny_llama()
    ids, _ = prompt(40)
    cache = CompressedCache(model.config)
    with compress(model, per_head()) as session, torch.no_grad():
        model(ids[:1], **{cache_argument(model): cache})
    kept = kept_by_token(cache, 40)
    assert kept.sum() * 3 * 2 == pytest.approx(session.report.head_budgets.sum())
    assert (kept[:2] == 1).all(), "the protected tokens are in all layers and heads"


def test_protected_slots_are_in_every_head():
    keys, valid = torch.randn(1, 2, 10, 4), torch.ones(1, 10, dtype=torch.bool)
    protected = torch.zeros_like(valid)
    protected[:, [0, 9]] = True
    view = LayerView(0, keys, valid, ~valid, LayerObserver(ObservationPlan()))
    columns, shares = torch.arange(10)[None], torch.tensor([[2, 5]])
    rows = keep_ragged(view, keys, torch.rand(1, 2, 10), protected, shares, columns, per_head())
    assert rows.lengths.tolist() == [[2, 5]]
    assert rows.columns(0, 0).tolist() == [0, 9]
    assert {0, 9} <= set(rows.columns(0, 1).tolist())
    assert torch.equal(rows.keys.read(0, 2, torch.float32), keys[0, 0, [0, 9]])


@pytest.mark.parametrize("settings", [{"num_beams": 3}, {"num_return_sequences": 2, "do_sample": True}], ids=str)
def test_beams_and_samples_with_everything_kept_are_those_of_plain_generation(tiny_llama, prompt, settings):
    model = tiny_llama()
    ids, mask = prompt(30, padding=5)
    torch.manual_seed(0)
    plain = model.generate(ids, attention_mask=mask, **{**GREEDY, **settings})
    torch.manual_seed(0)
    with compress(model, per_head(ratio=1.0)):
        assert torch.equal(model.generate(ids, attention_mask=mask, **{**GREEDY, **settings}), plain)


def test_beams_share_the_rows_of_the_prompt_instead_of_copying_them(tiny_llama, prompt):
    model = tiny_llama()
    ids, _ = prompt(40)
    cache = CompressedCache(model.config)
    with compress(model, per_head()), torch.no_grad():
        model(ids, **{cache_argument(model): cache})
    before = storage_bytes(cache)
    cache.batch_repeat_interleave(3)
    cache.reorder_cache(torch.tensor([0, 0, 1, 5, 5, 4]))
    assert storage_bytes(cache) == before
    assert [cache.layers[0].columns(row, 0).tolist() for row in (0, 5)] == [
        cache.layers[0].columns(row, 0).tolist() for row in (1, 3)
    ]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_with_everything_kept_is_as_near_to_single_precision_as_the_plain_model(
    tiny_llama, prompt, dtype
):
    exact, half = tiny_llama(dtype="float32"), tiny_llama(dtype=dtype)
    ids, mask = prompt(48, padding=9)
    forced = {
        **GREEDY,
        "max_new_tokens": 2,
        "min_new_tokens": 2,
        "output_logits": True,
        "return_dict_in_generate": True,
    }
    truth, plain = (model.generate(ids, attention_mask=mask, **forced).logits[1] for model in (exact, half))
    with compress(half, method("adakv", ratio=1.0)):
        ours = half.generate(ids, attention_mask=mask, **forced).logits[1]
    assert (ours - truth).abs().mean() <= 1.5 * (plain - truth).abs().mean()


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_runs_with_heads_as_scores_lie_and_with_eight_bits(tiny_llama, prompt, name):
    model = tiny_llama(layers=2, dtype="float32")
    ids, mask = prompt(96, padding=5)
    recipe = replace(method(name, ratio=0.8), heads=AdaHeads(), store=EightBits())
    with compress(model, recipe) as session:
        model.generate(ids, attention_mask=mask, max_new_tokens=2, do_sample=False)
    assert session.report.saved_share > 0.5
