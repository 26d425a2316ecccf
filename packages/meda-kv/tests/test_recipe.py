"""Recipes, what they protect, what they ask to be observed, and the named methods."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.meda_kv import (
    H2O,
    METHODS,
    AdaHeads,
    Budget,
    CrossModalEntropy,
    EightBits,
    FullRowEntropy,
    KeyNorm,
    MeanVariance,
    MinimumSlots,
    PostVision,
    Protect,
    Recipe,
    SnapKV,
    Streaming,
    method,
)
from medsuite.meda_kv.observe.sampling import Exact, Sampled
from medsuite.meda_kv.recipe import shared_plan
from medsuite.meda_kv.select.base import choose, last_tokens

HALF = Budget(ratio=0.5)


def protected(protect, *padding, tokens=8):
    valid = torch.ones(len(padding) or 1, tokens, dtype=torch.bool)
    for row, count in enumerate(padding):
        valid[row, :count] = False
    return [mask.nonzero()[:, 0].tolist() for mask in protect.mask(valid)]


def test_sinks_are_the_first_tokens_behind_the_padding():
    assert protected(Protect(sinks=2), 0, 3) == [[0, 1], [3, 4]]


def test_spans_are_columns_of_the_prompt_without_its_padding():
    assert protected(Protect(sinks=0, spans=((2, 4), (6, 99))), 0, 3) == [[2, 3, 6, 7], [3, 6, 7]]


def test_sinks_and_spans_may_overlap():
    assert protected(Protect(sinks=3, spans=((1, 5),))) == [[0, 1, 2, 3, 4]]


def test_more_sinks_than_tokens_are_all_of_them():
    assert protected(Protect(sinks=9), 6, tokens=8) == [[6, 7]]


@pytest.mark.parametrize(
    "wrong", [{"sinks": -1}, {"spans": ((3, 3),)}, {"spans": ((-1, 2),)}, {"spans": ((0, 2), (5, 4))}]
)
def test_protection_that_cannot_be_is_refused(wrong):
    with pytest.raises(InputError, match=r"Protect\(.*0 <= start < end"):
        Protect(**wrong)


def test_a_recipe_asks_for_the_longer_window_and_every_statistic():
    plan = Recipe(HALF, MinimumSlots(queries=9), SnapKV(queries=4)).observation()
    assert (plan.window, plan.statistics) == (9, frozenset())
    plan = Recipe(HALF, CrossModalEntropy(), H2O()).observation()
    assert (plan.window, plan.statistics) == (0, {"cross entropy", "accumulated attention"})


def test_recipes_on_one_prompt_share_one_plan():
    recipes = [
        Recipe(HALF, FullRowEntropy(), SnapKV(queries=4)),
        Recipe(HALF, select=H2O()),
        Recipe(HALF, select=KeyNorm()),
    ]
    plan = shared_plan(recipes)
    assert (plan.window, plan.statistics, plan.rows) == (4, {"full entropy", "accumulated attention"}, Exact())


@pytest.mark.parametrize(
    ("parts", "ragged"), [({}, False), ({"heads": AdaHeads()}, True), ({"store": EightBits()}, True)]
)
def test_rows_are_stored_flat_where_heads_differ_or_rows_are_encoded(parts, ragged):
    assert Recipe(HALF, **parts).ragged == ragged


@pytest.mark.parametrize(
    ("selector", "kept"),
    [
        (SnapKV(queries=6), [6, 6]),
        (MeanVariance(queries=6), [6, 6]),
        (PostVision(queries=6), [0, 2]),
        (H2O(recent_share=0.25), [1, 5]),
        (Streaming(), [0, 0]),
    ],
    ids=lambda part: type(part).__name__,
)
def test_each_method_keeps_its_own_number_of_recent_tokens(selector, kept):
    assert [selector.recent(budget) for budget in (4, 20)] == kept


@pytest.mark.parametrize("wrong", [lambda: H2O(recent_share=1.5), lambda: SnapKV(queries=0), lambda: SnapKV(kernel=4)])
def test_selectors_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError, match="expected"):
        wrong()


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_takes_every_form_of_a_budget(name):
    for form in ({"ratio": 0.3}, {"tokens": 64}, {"total_tokens": 640}, {"bytes": 10**6}):
        assert method(name, **form).budget == Budget(**form)


def test_a_method_observes_what_it_is_told_to():
    assert method("meda", ratio=0.3).rows is None
    assert method("meda", ratio=0.3, exact=True).rows == Exact()
    assert method("meda", ratio=0.3, exact=False, queries=40).rows == Sampled(40)


@pytest.mark.parametrize("form", [{}, {"ratio": 0.3, "tokens": 4}])
def test_a_method_needs_one_budget(form):
    with pytest.raises(InputError, match="exactly one of ratio, tokens, total_tokens, bytes"):
        method("snapkv", **form)


@given(
    scores=st.lists(st.integers(0, 5), min_size=3, max_size=14),
    data=st.data(),
)
def test_what_is_chosen_equals_a_sort_by_protection_score_and_place(scores, data):
    slots = len(scores)
    padding = data.draw(st.integers(0, slots - 1))
    guarded = data.draw(st.sets(st.integers(0, slots - 1)))
    budget = data.draw(st.integers(1, slots))
    valid = (torch.arange(slots) >= padding)[None]
    guard = torch.tensor([[slot in guarded for slot in range(slots)]])
    choice = choose(torch.tensor([[scores]]).float(), guard, valid, torch.tensor([budget]))
    ranked = sorted(
        range(padding, slots), key=lambda slot: (slot not in guarded, -scores[slot] * (slot not in guarded), slot)
    )
    assert choice.index[0, 0][choice.valid[0]].tolist() == sorted(ranked[:budget])


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.integers(0, 12))
def test_the_last_tokens_are_the_last_that_are_no_padding(valid, count):
    chosen = last_tokens(torch.tensor([valid]), torch.tensor([count]))[0].nonzero()[:, 0].tolist()
    places = [place for place, real in enumerate(valid) if real]
    assert chosen == places[max(len(places) - count, 0) :]
