import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.meda_kv.merge import AverageMerge, Drop, PivotMerge, WeightedMerge
from medsuite.meda_kv.observe.observer import LayerObserver, ObservationPlan
from medsuite.meda_kv.select import H2O, KeyNorm, LayerView, Random, Streaming, TextPrior
from medsuite.meda_kv.select.base import Choice, choose, first_tokens, last_tokens


def view(keys, mass=None, vision=None, index=0):
    batch, _, slots, _ = keys.shape
    empty = torch.zeros(batch, slots, dtype=torch.bool)
    observed = LayerObserver(ObservationPlan(), mass=mass)
    return LayerView(index, keys, ~empty, empty if vision is None else vision, observed)


def choose_one(scores, budget, protected=(), padding=0):
    scores = torch.tensor([[scores]], dtype=torch.float32)
    valid = torch.arange(scores.shape[-1])[None] >= padding
    guard = torch.zeros_like(valid)
    guard[0, list(protected)] = True
    choice = choose(scores, guard, valid, torch.tensor([budget]))
    return choice.index[0, 0][choice.valid[0]].tolist()


def test_the_best_scores_are_kept_in_prompt_order():
    assert choose_one([5, 1, 4, 2, 3], 3) == [0, 2, 4]


def test_protected_slots_are_kept_whatever_their_score():
    assert choose_one([5, 1, 4, 2, 3], 3, protected=[1, 3]) == [0, 1, 3]


def test_equal_scores_go_to_the_earlier_slot():
    assert choose_one([1, 1, 1, 1], 2) == [0, 1]


def test_padding_is_never_kept():
    assert choose_one([9, 9, 1, 2, 3], 5, padding=2) == [2, 3, 4]


@given(st.lists(st.integers(0, 4), min_size=4, max_size=12), st.data())
def test_a_smaller_budget_keeps_a_part_of_a_larger_one(scores, data):
    larger = data.draw(st.integers(1, len(scores)))
    smaller = data.draw(st.integers(1, larger))
    assert set(choose_one(scores, smaller, protected=[1])) <= set(choose_one(scores, larger, protected=[1]))


def test_sequences_with_fewer_slots_are_filled_in_front():
    scores, valid = torch.rand(2, 2, 6), torch.ones(2, 6, dtype=torch.bool)
    choice = choose(scores, ~valid, valid, torch.tensor([4, 2]))
    assert choice.valid.tolist() == [[True] * 4, [False, False, True, True]]


def test_a_score_that_is_no_number_names_its_layer_and_head():
    scores, valid = torch.zeros(1, 3, 4), torch.ones(1, 4, dtype=torch.bool)
    scores[0, 2, 1] = torch.nan
    with pytest.raises(InputError, match="layer 7, key head 2"):
        choose(scores, ~valid, valid, torch.tensor([2]), layer=7)


def test_first_and_last_tokens_skip_padding():
    valid = torch.tensor([[False, True, True, True, True]])
    assert first_tokens(valid, 2).tolist() == [[False, True, True, False, False]]
    assert last_tokens(valid, torch.tensor([3])).tolist() == [[False, False, True, True, True]]


def test_streaming_prefers_what_came_last():
    scores = Streaming().scores(view(torch.zeros(1, 2, 5, 3)))
    assert scores[0, 1].tolist() == [0, 1, 2, 3, 4]


def test_short_keys_come_first():
    keys = torch.tensor([[[[3.0, 4.0], [1.0, 0.0], [0.0, 2.0]]]])
    assert KeyNorm().scores(view(keys))[0, 0].tolist() == [-5.0, -1.0, -2.0]


def test_random_scores_depend_on_seed_and_layer_alone():
    keys = torch.zeros(1, 2, 50, 3)
    assert torch.equal(Random(1).scores(view(keys)), Random(1).scores(view(keys + 1)))
    assert not torch.equal(Random(1).scores(view(keys)), Random(2).scores(view(keys)))
    assert not torch.equal(Random(1).scores(view(keys)), Random(1).scores(view(keys, index=1)))


def test_text_stands_above_every_image_slot_and_keeps_its_own_order():
    mass = torch.tensor([[[0.1, 0.9, 0.5, 0.2]]])
    vision = torch.tensor([[False, True, True, False]])
    scores = TextPrior(H2O()).scores(view(torch.zeros(1, 1, 4, 2), mass, vision))
    assert scores.argsort(descending=True)[0, 0].tolist() == [3, 0, 1, 2]


def test_half_of_a_heavy_hitter_budget_is_recent():
    assert [H2O().recent(budget) for budget in (1, 10, 11)] == [0, 5, 5]


def test_heavy_hitters_need_their_statistic():
    with pytest.raises(InputError, match="accumulated attention"):
        H2O().scores(view(torch.zeros(1, 1, 4, 2)))


def rows(*vectors):
    return torch.tensor([[list(vectors)]], dtype=torch.float64)


ALL = torch.ones(1, 4, dtype=torch.bool)


def keep(*slots):
    return Choice(torch.tensor([[list(slots)]]), torch.ones(1, len(slots), dtype=torch.bool))


KEYS = rows([1.0, 0.0], [0.0, 1.0], [2.0, 0.1], [0.1, 3.0])
VALUES = rows([1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [6.0, 60.0])


def test_evicted_rows_are_averaged_into_the_most_similar_kept_row():
    kept = AverageMerge(keys=True).merge(KEYS, VALUES, keep(0, 1), ALL)
    torch.testing.assert_close(kept.values, rows([2.0, 20.0], [4.0, 40.0]))
    torch.testing.assert_close(kept.keys, rows([1.5, 0.05], [0.05, 2.0]))
    assert kept.counts.tolist() == [[[2.0, 2.0]]]


def test_merging_values_only_leaves_the_keys_as_they_are():
    kept = AverageMerge().merge(KEYS, VALUES, keep(0, 1), ALL)
    assert torch.equal(kept.keys, KEYS[:, :, :2])


def test_without_evicted_rows_merging_is_the_identity():
    kept = AverageMerge(keys=True).merge(KEYS, VALUES, keep(0, 1, 2, 3), ALL)
    assert torch.equal(kept.keys, KEYS)
    assert torch.equal(kept.values, VALUES)


def test_padding_is_neither_merged_nor_a_target():
    valid = torch.tensor([[False, True, True, True]])
    choice = Choice(torch.tensor([[[0, 1, 2]]]), torch.tensor([[False, True, True]]))
    kept = AverageMerge().merge(KEYS, VALUES, choice, valid)
    torch.testing.assert_close(kept.values[:, :, 1:], rows([4.0, 40.0], [3.0, 30.0]))


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(4)))
def test_the_order_of_evicted_rows_does_not_matter(order):
    generator = torch.Generator().manual_seed(0)
    keys, values = torch.randn(2, 1, 2, 6, 3, generator=generator, dtype=torch.float64).unbind(0)
    moved = [0, 1, *(2 + place for place in order)]
    whole = torch.ones(1, 6, dtype=torch.bool)
    both = Choice(torch.tensor([[[0, 1], [0, 1]]]), torch.ones(1, 2, dtype=torch.bool))
    plain = AverageMerge(keys=True).merge(keys, values, both, whole)
    shuffled = AverageMerge(keys=True).merge(keys[:, :, moved], values[:, :, moved], both, whole)
    torch.testing.assert_close(plain.values, shuffled.values)
    torch.testing.assert_close(plain.keys, shuffled.keys)


def test_merging_equals_a_loop_over_the_evicted_rows():
    generator = torch.Generator().manual_seed(1)
    keys, values = torch.randn(2, 1, 1, 9, 4, generator=generator, dtype=torch.float64).unbind(0)
    slots = [1, 4, 7]
    kept = AverageMerge().merge(keys, values, keep(*slots), torch.ones(1, 9, dtype=torch.bool))
    piles = {slot: [values[0, 0, slot]] for slot in slots}
    for evicted in set(range(9)) - set(slots):
        similar = [torch.cosine_similarity(keys[0, 0, evicted], keys[0, 0, slot], dim=0) for slot in slots]
        piles[slots[int(torch.stack(similar).argmax())]].append(values[0, 0, evicted])
    expected = torch.stack([torch.stack(pile).mean(0) for pile in piles.values()])
    torch.testing.assert_close(kept.values[0, 0], expected)


RELEASED = {
    AverageMerge: lambda kept, evicted, cosine: evicted,
    PivotMerge: lambda kept, evicted, cosine: (evicted + kept) / 2,
    WeightedMerge: lambda kept, evicted, cosine: cosine * evicted,
}


@pytest.mark.parametrize("merger", RELEASED, ids=lambda merger: merger.__name__)
def test_the_three_merges_are_those_of_look_m(merger):
    """LOOK-M averages what each evicted row becomes with the kept row, `include_self`."""
    generator = torch.Generator().manual_seed(2)
    keys, values = torch.randn(2, 1, 1, 12, 4, generator=generator, dtype=torch.float64).unbind(0)
    slots, others = [0, 5, 8], [1, 2, 3, 4, 6, 7, 9, 10, 11]
    kept = merger(keys=True).merge(keys, values, keep(*slots), torch.ones(1, 12, dtype=torch.bool))
    cosine = torch.cosine_similarity(keys[:, :, others].unsqueeze(3), keys[:, :, slots].unsqueeze(2), dim=-1)
    best, target = cosine.max(-1, keepdim=True)
    for mine, rows in ((kept.keys, keys), (kept.values, values)):
        selected, pruned = rows[:, :, slots], rows[:, :, others]
        index = target.expand_as(pruned)
        source = RELEASED[merger](selected.gather(2, index), pruned, best)
        expected = selected.scatter_reduce(2, index, source, reduce="mean", include_self=True)
        torch.testing.assert_close(mine, expected, rtol=1e-6, atol=1e-6)


def test_slots_below_the_threshold_are_dropped():
    kept = AverageMerge(threshold=0.999).merge(KEYS, VALUES, keep(0, 1), ALL)
    torch.testing.assert_close(kept.values, rows([1.0, 10.0], [4.0, 40.0]))
    assert kept.counts.tolist() == [[[1.0, 2.0]]]


def test_a_threshold_that_is_no_cosine_is_refused():
    with pytest.raises(InputError, match="a cosine"):
        PivotMerge(threshold=1.5)


@pytest.mark.parametrize("merger", [Drop(), AverageMerge(keys=True), PivotMerge(keys=True), WeightedMerge()])
def test_kept_rows_own_their_storage(merger):
    kept = merger.merge(KEYS, VALUES, keep(0, 2), ALL)
    for tensor in (kept.keys, kept.values):
        assert tensor.untyped_storage().nbytes() == tensor.nbytes
        assert tensor.untyped_storage().data_ptr() not in {KEYS.data_ptr(), VALUES.data_ptr()}
