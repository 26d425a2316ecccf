"""Slots of a layer go to the heads in which its best scores lie."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.meda_kv.heads import AdaHeads, EqualHeads


def problem(seed, slots=20, heads=3, budget=7, protected=2, padding=0):
    scores = torch.rand(2, heads, slots, generator=torch.Generator().manual_seed(seed))
    valid = torch.ones(2, slots, dtype=torch.bool)
    valid[1, :padding] = False
    kept = torch.zeros_like(valid)
    kept[:, slots - protected :] = True
    return scores, kept, valid, torch.tensor([budget, budget - 1])


def slowly(scores, protected, valid, budget, floor):
    """Ada-KV's definition for one sequence, slot by slot."""
    heads, slots = scores.shape
    certain = max(int(floor * budget), int(protected.sum()))
    taken, rest = [0] * heads, []
    for head in range(heads):
        ranked = sorted(
            (slot for slot in range(slots) if valid[slot]),
            key=lambda slot, head=head: (not protected[slot], -float(scores[head, slot]), slot),
        )
        taken[head] = certain
        rest += [(-float(scores[head, slot]), head) for slot in ranked[certain:]]
    for _, head in sorted(rest)[: budget * heads - certain * heads]:
        taken[head] += 1
    return taken


@given(
    seed=st.integers(0, 1000),
    budget=st.integers(4, 15),
    padding=st.integers(0, 5),
    floor=st.sampled_from([0.0, 0.2, 0.5, 1.0]),
)
def test_ada_takes_the_best_of_all_heads_behind_the_floor(seed, budget, padding, floor):
    scores, protected, valid, budgets = problem(seed, budget=budget, padding=padding)
    shares = AdaHeads(floor).share(scores, protected, valid, budgets)
    for row in range(2):
        assert shares[row].tolist() == slowly(scores[row], protected[row], valid[row], int(budgets[row]), floor)


@given(seed=st.integers(0, 1000), budget=st.integers(3, 20), floor=st.floats(0, 1))
def test_shares_add_up_to_the_layers_budget_and_leave_no_head_without_its_floor(seed, budget, floor):
    scores, protected, valid, budgets = problem(seed, budget=budget)
    shares = AdaHeads(floor).share(scores, protected, valid, budgets)
    assert torch.equal(shares.sum(-1), 3 * budgets)
    assert bool((shares >= (floor * budgets.double()).long()[:, None]).all())
    assert bool((shares >= 2).all()), "the protected slots"
    assert bool((shares <= 20).all())


def test_a_floor_of_one_is_equal_heads():
    case = problem(0)
    assert torch.equal(AdaHeads(1.0).share(*case), EqualHeads().share(*case))


def test_a_head_with_all_the_mass_gets_all_that_the_floor_leaves():
    scores, protected, valid, budgets = problem(0, budget=5, protected=1)
    scores[:, 0] += 10.0
    assert AdaHeads(0.2).share(scores, protected, valid, budgets)[0].tolist() == [13, 1, 1]


def test_equal_scores_go_to_the_earlier_head():
    scores, protected, valid, budgets = problem(0, protected=0)
    shares = AdaHeads(0.0).share(torch.zeros_like(scores), protected, valid, budgets)
    assert shares[0].tolist() == [20, 1, 0]


@pytest.mark.parametrize("floor", [-0.1, 1.1, float("nan")])
def test_a_floor_that_is_no_share_is_refused(floor):
    with pytest.raises(InputError, match=r"AdaHeads\(floor=.*0 to 1"):
        AdaHeads(floor)
