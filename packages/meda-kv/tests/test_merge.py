"""Mergers against a loop over every evicted slot of every head, and what must hold whatever the input."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.meda_kv.merge import MERGERS, AverageMerge, Drop, PivotMerge, WeightedMerge, nearest
from medsuite.meda_kv.select.base import Choice, choose

SLOTS = 14


def problem(seed, dtype=torch.float64, padding=3, budgets=(5, 4)):
    generator = torch.Generator().manual_seed(seed)
    keys = torch.randn(2, 2, SLOTS, 4, generator=generator, dtype=torch.float64).to(dtype)
    values = torch.randn(2, 2, SLOTS, 3, generator=generator, dtype=torch.float64).to(dtype)
    valid = torch.ones(2, SLOTS, dtype=torch.bool)
    valid[1, :padding] = False
    scores = torch.rand(2, 2, SLOTS, generator=generator)
    return keys, values, choose(scores, ~valid, valid, torch.tensor(budgets)), valid


def slowly(merger, keys, values, choice, valid):
    """Each merger's formula as its docstring states it, row by row."""
    weights = {
        AverageMerge: lambda cosine: (1.0, 0.0),
        PivotMerge: lambda cosine: (0.5, 0.5),
        WeightedMerge: lambda cosine: (cosine, 0.0),
    }[type(merger)]
    found_keys, found_values, counts = {}, {}, {}
    for row in range(2):
        for head in range(2):
            kept = [int(slot) for slot, real in zip(choice.index[row, head], choice.valid[row], strict=True) if real]
            into = {slot: [] for slot in kept}
            for slot in range(SLOTS):
                if not valid[row, slot] or slot in kept:
                    continue
                cosines = [
                    torch.cosine_similarity(keys[row, head, slot], keys[row, head, each], dim=0) for each in kept
                ]
                best = int(torch.stack(cosines).argmax())
                if cosines[best] >= merger.threshold:
                    into[kept[best]].append((slot, *weights(cosines[best])))
            for place, slot in enumerate(kept, start=len(choice.valid[row]) - len(kept)):
                for rows, found in ((keys, found_keys), (values, found_values)):
                    own = rows[row, head, slot]
                    total = own + sum(
                        theirs * rows[row, head, other] + ours * own for other, theirs, ours in into[slot]
                    )
                    found[row, head, place] = total / (1 + len(into[slot]))
                counts[row, head, place] = 1 + len(into[slot])
    return found_keys, found_values, counts


@pytest.mark.parametrize("threshold", [-1.0, 0.0, 0.5])
@pytest.mark.parametrize("merger", [AverageMerge, PivotMerge, WeightedMerge], ids=lambda merger: merger.__name__)
@pytest.mark.parametrize("seed", range(3))
def test_merging_equals_its_formula_row_by_row(merger, threshold, seed):
    case = problem(seed)
    part = merger(keys=True, threshold=threshold)
    kept = part.merge(*case)
    keys, values, counts = slowly(part, *case)
    for where, expected in keys.items():
        torch.testing.assert_close(kept.keys[where], expected, atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(kept.values[where], values[where], atol=1e-6, rtol=1e-5)
        assert kept.counts[where] == counts[where]


@pytest.mark.parametrize(
    "merger", [AverageMerge(), PivotMerge(), WeightedMerge()], ids=lambda part: type(part).__name__
)
def test_slots_are_compared_in_blocks_like_all_at_once(merger, monkeypatch):
    whole = merger.merge(*problem(4))
    monkeypatch.setattr(nearest, "BLOCK", 4)
    blocks = merger.merge(*problem(4))
    assert torch.equal(blocks.values, whole.values)
    assert torch.equal(blocks.counts, whole.counts)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), padding=st.integers(0, 6), budget=st.integers(1, 8))
def test_every_token_of_a_sequence_is_counted_once(seed, padding, budget):
    keys, values, choice, valid = problem(seed, padding=padding, budgets=(budget, budget))
    counts = AverageMerge().merge(keys, values, choice, valid).counts * choice.valid[:, None]
    assert torch.equal(counts.sum(-1), valid.sum(-1)[:, None].expand(2, 2).float())


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_an_average_stays_among_the_values_that_went_into_it(seed):
    keys, values, choice, valid = problem(seed, padding=0)
    merged = AverageMerge().merge(keys, values, choice, valid).values
    assert bool((merged <= values.amax(2, keepdim=True) + 1e-6).all())
    assert bool((merged >= values.amin(2, keepdim=True) - 1e-6).all())


@pytest.mark.parametrize("name", sorted(MERGERS))
def test_values_that_are_all_alike_stay_as_they_are_unless_cosines_weigh_them(name):
    keys, values, choice, valid = problem(1)
    merged = MERGERS[name]().merge(keys, torch.ones_like(values), choice, valid)
    alike = torch.equal(merged.values, torch.ones_like(merged.values))
    assert alike == (name != "weighted")


@pytest.mark.parametrize("name", sorted(MERGERS))
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_summed_in_single(name, dtype):
    merger = MERGERS[name]()
    keys, values, choice, valid = problem(2, dtype)
    half = merger.merge(keys, values, choice, valid).values
    single = merger.merge(keys.float(), values.float(), choice, valid).values
    assert half.dtype == dtype
    assert torch.equal(half, single.to(dtype))


def test_merging_values_leaves_every_key_bit_for_bit():
    keys, values, choice, valid = problem(3)
    for merger in (AverageMerge(), PivotMerge(), WeightedMerge()):
        assert torch.equal(
            merger.merge(keys, values, choice, valid).keys, Drop().merge(keys, values, choice, valid).keys
        )


def test_a_slot_that_equals_two_kept_keys_goes_to_the_earlier():
    keys = torch.ones(1, 1, 4, 2, dtype=torch.float64)
    values = torch.tensor([[[[0.0], [6.0], [3.0], [9.0]]]], dtype=torch.float64)
    choice = Choice(torch.tensor([[[0, 2]]]), torch.ones(1, 2, dtype=torch.bool))
    kept = AverageMerge().merge(keys, values, choice, torch.ones(1, 4, dtype=torch.bool))
    assert kept.values[0, 0, :, 0].tolist() == [5.0, 3.0]


def test_a_threshold_of_one_drops_everything_that_is_not_alike():
    keys, values, choice, valid = problem(5)
    kept = AverageMerge(threshold=1.0).merge(keys, values, choice, valid)
    assert torch.equal(kept.values, Drop().merge(keys, values, choice, valid).values)


@pytest.mark.parametrize("merger", [AverageMerge, PivotMerge, WeightedMerge])
@pytest.mark.parametrize("threshold", [-1.1, 1.1, float("nan")])
def test_a_threshold_that_is_no_cosine_names_its_merger(merger, threshold):
    with pytest.raises(InputError, match=rf"{merger.__name__}\(threshold=.*-1 to 1"):
        merger(threshold=threshold)


def test_dropping_counts_nothing():
    assert Drop().merge(*problem(0)).counts is None
