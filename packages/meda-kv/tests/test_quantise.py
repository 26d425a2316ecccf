"""Stored rows give back what went in, within a stated error, in the bytes that they say."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medsuite.meda_kv import AdaHeads, Budget, CompressedCache, EightBits, KeyNorm, Recipe, compress, storage_bytes
from medsuite.meda_kv.attention import cache_argument
from medsuite.meda_kv.quantise import AsComputed

INT8, FLOAT8 = EightBits(torch.int8), EightBits(torch.float8_e4m3fn)


def rows(seed=0, count=6, dim=16, dtype=torch.float32, spread=4.0):
    generator = torch.Generator().manual_seed(seed)
    size = 10 ** (spread * torch.rand(count, 1, generator=generator) - spread / 2)
    return (size * torch.randn(count, dim, generator=generator)).to(dtype)


@given(seed=st.integers(0, 1000), spread=st.floats(0, 8))
def test_int8_is_wrong_by_at_most_half_a_step_of_each_row(seed, spread):
    given_rows = rows(seed, spread=spread)
    error = (INT8.store(given_rows).read(0, 6, torch.float32) - given_rows).abs()
    assert bool((error <= given_rows.abs().amax(-1, keepdim=True) / 254 * 1.001).all())


@given(seed=st.integers(0, 1000), spread=st.floats(0, 8))
def test_float8_is_wrong_by_at_most_a_sixteenth_of_each_number(seed, spread):
    given_rows = rows(seed, spread=spread)
    error = (FLOAT8.store(given_rows).read(0, 6, torch.float32) - given_rows).abs()
    smallest = given_rows.abs().amax(-1, keepdim=True) * 2**-6 / 448
    assert bool((error <= torch.maximum(given_rows.abs(), smallest) / 16 * 1.001).all())


@pytest.mark.parametrize("form", [INT8, FLOAT8, AsComputed()], ids=["int8", "float8", "as computed"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_bytes_are_those_that_the_budget_counts(form, dtype):
    stored = form.store(rows(dtype=dtype))
    assert sum(tensor.nbytes for tensor in stored.tensors()) == 6 * form.row_bytes(16, dtype.itemsize)
    assert stored.read(2, 5, dtype).dtype == dtype
    assert stored.read(2, 5, dtype).shape == (3, 16)


@pytest.mark.parametrize("form", [INT8, FLOAT8], ids=["int8", "float8"])
def test_rows_of_zeros_stay_zeros(form):
    assert torch.equal(form.store(torch.zeros(2, 4)).read(0, 2, torch.float32), torch.zeros(2, 4))


def test_rows_as_computed_are_read_where_they_lie():
    given_rows = rows()
    assert AsComputed().store(given_rows).read(1, 3, torch.float32).data_ptr() == given_rows[1:].data_ptr()


@pytest.mark.parametrize("form", [INT8, FLOAT8], ids=["int8", "float8"])
@pytest.mark.parametrize("heads", [{}, {"heads": AdaHeads()}], ids=["equal heads", "heads as scores lie"])
def test_a_compressed_prompt_in_eight_bits_takes_a_quarter_of_the_kept_bytes_and_scales(
    tiny_llama, prompt, form, heads
):
    model = tiny_llama(dtype="float32")
    ids, _ = prompt(40)
    logits = {}
    for store in (AsComputed(), form):
        cache = CompressedCache(model.config)
        recipe = Recipe(Budget(ratio=0.5), select=KeyNorm(), store=store, **heads)
        with compress(model, recipe) as session, torch.no_grad():
            model(ids, **{cache_argument(model): cache})
            held = storage_bytes(cache)
            logits[store] = model(ids[:, :2], **{cache_argument(model): cache}).logits
        assert session.report.bytes_after == held == 2 * 2 * 60 * 2 * store.row_bytes(8, 4)
    error = (logits[form] - logits[AsComputed()]).abs().max()
    assert 0 < error < (0.05 if form is INT8 else 0.25) * logits[AsComputed()].abs().max()


def test_a_byte_budget_knows_the_width_of_quantised_rows(tiny_llama, prompt):
    model = tiny_llama(dtype="float32")
    ids, _ = prompt(40)
    kept = {}
    for store in (AsComputed(), INT8):
        with compress(model, Recipe(Budget(bytes=8_000), select=KeyNorm(), store=store)) as session, torch.no_grad():
            model(ids[:1])
        kept[store] = int(session.report.budgets.sum())
        assert session.report.bytes_after + 4 * 2 * kept[store] <= 8_000
    assert kept == {AsComputed(): 8_000 // (2 * (2 * 8 * 4 + 4)), INT8: 120}
