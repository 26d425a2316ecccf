import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.meda_kv.budget import Budget, largest_remainder, share_slots, water_fill


@st.composite
def problems(draw):
    """Weights, a target and bounds between which it lies."""
    layers = draw(st.integers(1, 12))
    weights = np.array(draw(st.lists(st.floats(0, 1e3), min_size=layers, max_size=layers)))
    lower = np.array(draw(st.lists(st.integers(0, 20), min_size=layers, max_size=layers)))
    upper = lower + np.array(draw(st.lists(st.integers(0, 200), min_size=layers, max_size=layers)))
    target = draw(st.integers(int(lower.sum()), int(upper.sum())))
    return weights, target, lower, upper


@given(problems())
def test_shared_slots_sum_to_the_target_within_the_bounds(problem):
    _, target, lower, upper = problem
    slots = share_slots(*problem)
    assert slots.sum() == target
    assert (slots >= lower).all()
    assert (slots <= upper).all()


@given(problems())
def test_water_filling_equals_a_bisection_on_the_level(problem):
    weights, target, lower, upper = problem
    weights = weights + 0.5

    low, high = 0.0, 1e6
    for _ in range(200):
        level = (low + high) / 2
        low, high = (level, high) if np.clip(level * weights, lower, upper).sum() < target else (low, level)
    np.testing.assert_allclose(
        water_fill(weights, target, lower, upper), np.clip(high * weights, lower, upper), atol=1e-6
    )


@given(problems())
def test_a_heavier_layer_gets_no_less_under_equal_bounds(problem):
    weights, _, lower, upper = problem
    lower, upper = np.full_like(lower, lower.min()), np.full_like(upper, upper.max())
    target = int((lower.sum() + upper.sum()) // 2)
    order = np.argsort(weights, kind="stable")
    assert (np.diff(water_fill(weights, target, lower, upper)[order]) >= -1e-6).all()


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=12), st.integers(1, 300))
def test_a_layer_that_is_added_never_raises_the_share_of_another(weights, target):
    weights = np.array(weights)
    upper = np.full(len(weights), 300)
    fewer = water_fill(weights[:-1], min(target, int(upper[:-1].sum())), 0 * upper[:-1], upper[:-1])
    more = water_fill(weights, min(target, int(upper[:-1].sum())), 0 * upper, upper)
    assert (more[:-1] <= fewer + 1e-6).all()


def test_equal_weights_give_equal_slots_up_to_one():
    slots = share_slots(np.ones(7), 100, np.zeros(7, int), np.full(7, 50))
    assert slots.tolist() == [15, 15, 14, 14, 14, 14, 14]


def test_what_a_full_layer_cannot_take_goes_to_the_others():
    shares = water_fill(np.array([8.0, 1.0, 1.0]), 30, np.zeros(3, int), np.array([10, 30, 30]))
    np.testing.assert_allclose(shares, [10, 10, 10])


def test_largest_remainders_are_hamiltons():
    assert largest_remainder(np.array([1.5, 2.7, 0.8]), 5).tolist() == [1, 3, 1]


def test_a_target_below_the_bounds_is_refused_with_the_smallest_feasible():
    with pytest.raises(InputError, match=r"between 12 .* and 30"):
        share_slots(np.ones(3), 5, np.full(3, 4), np.full(3, 10))


@pytest.mark.parametrize("weights", [[1.0, -1.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_weights_that_are_no_weights_are_refused(weights):
    with pytest.raises(InputError, match="none negative"):
        water_fill(np.array(weights), 1, np.zeros(2, int), np.ones(2, int))


@pytest.mark.parametrize(
    ("budget", "slots"),
    [
        (Budget(ratio=0.2), 600),
        (Budget(ratio=1.0), 3000),
        (Budget(tokens=64), 192),
        (Budget(tokens=5000), 3000),
        (Budget(total_tokens=777), 777),
        (Budget(bytes=64_000), 500),
    ],
)
def test_each_form_of_a_budget_means_slots_of_all_layers(budget, slots):
    assert budget.slots(tokens=1000, layers=3, slot_bytes=128) == slots


@pytest.mark.parametrize(
    "given_", [{}, {"ratio": 0.2, "tokens": 3}, {"ratio": 0.0}, {"ratio": 1.1}, {"ratio": np.nan}, {"tokens": -1}]
)
def test_a_budget_that_is_none_says_what_was_given(given_):
    with pytest.raises(InputError, match="Budget"):
        Budget(**given_)
