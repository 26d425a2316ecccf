from fractions import Fraction

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


@given(problems())
def test_water_filled_shares_sum_to_the_target_within_the_bounds(problem):
    weights, target, lower, upper = problem
    shares = water_fill(weights, target, lower, upper)
    assert shares.sum() == pytest.approx(target, abs=1e-6)
    assert (shares >= lower).all()
    assert (shares <= upper).all()


@given(problems(), st.floats(1e-6, 1e6))
def test_the_unit_of_the_weights_does_not_matter(problem, factor):
    weights, target, lower, upper = problem
    weights = weights + 0.5
    np.testing.assert_allclose(
        water_fill(factor * weights, target, lower, upper), water_fill(weights, target, lower, upper), atol=1e-6
    )


@given(st.integers(-12, 12), st.integers(-12, 12))
def test_weights_of_any_two_sizes_are_shared_in_proportion(first, second):
    weights = np.array([10.0**first, 10.0**second])
    shares = water_fill(weights, 1000, np.zeros(2, int), np.full(2, 1000))
    np.testing.assert_allclose(shares, 1000 * weights / weights.sum(), rtol=1e-6, atol=1e-6)


def test_layers_without_any_weight_share_what_the_others_cannot_take():
    shares = water_fill(np.array([1.0, 0.0, 0.0]), 50, np.zeros(3, int), np.array([10, 40, 40]))
    np.testing.assert_allclose(shares, [10, 20, 20])


@given(st.lists(st.integers(0, 500), min_size=1, max_size=9), st.integers(1, 60))
def test_largest_remainders_equal_the_method_in_exact_fractions(parts, divisor):
    whole = sum(parts) // divisor
    shares = [Fraction(part * whole, max(sum(parts), 1)) for part in parts]
    whole = sum(shares)
    seats = [share.numerator // share.denominator for share in shares]
    order = sorted(range(len(shares)), key=lambda place: (seats[place] - shares[place], place))
    for place in order[: int(whole) - sum(seats)]:
        seats[place] += 1
    assert largest_remainder(np.array([float(share) for share in shares]), int(whole)).tolist() == seats


def test_equal_remainders_go_to_the_earlier_layer():
    assert largest_remainder(np.array([1.5, 0.25, 2.5, 0.75]), 5).tolist() == [2, 0, 2, 1]


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
        (Budget(total_tokens=9999), 3000),
        (Budget(bytes=64_000), 500),
        (Budget(bytes=64_127), 500),
        (Budget(bytes=10**9), 3000),
    ],
)
def test_each_form_of_a_budget_means_slots_of_all_layers(budget, slots):
    assert budget.slots(tokens=1000, layers=3, slot_bytes=128) == slots


@pytest.mark.parametrize("percent", range(1, 101))
def test_rounding_noise_of_a_ratio_costs_no_slot(percent):
    assert Budget(ratio=percent / 100).slots(tokens=100, layers=3, slot_bytes=1) == 3 * percent


@pytest.mark.parametrize(
    ("budget", "text"),
    [
        (Budget(ratio=0.25), "ratio 0.25"),
        (Budget(tokens=4096), "tokens 4,096"),
        (Budget(bytes=1_000_000), "bytes 1,000,000"),
    ],
)
def test_a_budget_reads_as_it_was_asked_for(budget, text):
    assert str(budget) == text


@pytest.mark.parametrize(
    ("form", "allowed"), [({"ratio": 1.5}, "0 < ratio <= 1"), ({"bytes": 0}, "bytes > 0"), ({}, "exactly one of")]
)
def test_a_refused_budget_says_what_is_allowed(form, allowed):
    with pytest.raises(InputError) as caught:
        Budget(**form)
    assert allowed in str(caught.value)


@pytest.mark.parametrize(("lower", "upper"), [([4, 4], [10, 3]), ([4, 4], [5, 5]), ([0, 0], [3, 3])])
def test_bounds_that_cannot_hold_the_target_are_refused(lower, upper):
    with pytest.raises(InputError, match="7 slots for 2 layers"):
        water_fill(np.ones(2), 7, np.array(lower), np.array(upper))


@pytest.mark.parametrize(
    "given_",
    [{}, {"ratio": 0.2, "tokens": 3}, {"ratio": 0.0}, {"ratio": 1.1}, {"ratio": np.nan}, {"tokens": -1}],
)
def test_a_budget_that_is_none_says_what_was_given(given_):
    with pytest.raises(InputError, match="Budget"):
        Budget(**given_)
