import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.meda_kv.allocate import (
    ALLOCATORS,
    CrossModalEntropy,
    FullRowEntropy,
    Late,
    LayerTable,
    MinimumSlots,
    Pyramid,
    ReleasedEntropy,
    ShuffledEntropy,
    Uniform,
)
from medsuite.meda_kv.allocate.entropy import softmax

# Mean full-row entropies of SmolLM2-135M's 30 layers over 2,048 tokens of real text.
SMOLLM2 = np.fromstring(
    """5.72 3.88 4.10 2.92 2.71 2.80 3.15 2.77 3.23 2.86 2.80 2.64 2.63 1.98 2.24
    2.28 2.49 1.97 1.50 1.97 2.19 2.49 1.95 1.93 1.89 1.08 1.39 1.91 2.33 2.25""",
    sep=" ",
)


def table(entropy, tokens=2048, ratio=0.2, lower=0):
    layers = len(entropy)
    return LayerTable(
        tokens,
        int(ratio * layers * tokens),
        np.full(layers, lower),
        np.full(layers, tokens),
        np.asarray(entropy, float),
    )


def test_the_released_rule_keeps_a_fraction_of_what_was_asked_for():
    ratios = np.clip(softmax(SMOLLM2) * 30 * 0.2, 0.01, 1.0)
    assert ratios.mean() == pytest.approx(0.14891, abs=5e-6)
    assert ratios.min() == pytest.approx(0.02446, abs=5e-6)
    assert (ratios == 1.0).sum() == 1
    budgets = ReleasedEntropy().budgets(table(SMOLLM2))
    np.testing.assert_array_equal(budgets, (np.clip(softmax(SMOLLM2) * 12288 / 2048, 0.01, 1.0) * 2048).astype(int))


def test_water_filling_hands_on_what_the_first_layer_cannot_take():
    budgets = FullRowEntropy(floor=0.01).budgets(table(SMOLLM2))
    np.testing.assert_allclose(budgets[:3] / 2048, [1.0, 0.58, 0.72], atol=0.005)
    assert budgets.sum() == int(6.0 * 2048)


@pytest.mark.parametrize(("ratio", "slots"), [(0.05, [63, 63, 16, 63]), (0.2, [253, 253, 63, 253])])
def test_the_constructed_models_entropies_give_its_known_budgets(ratio, slots):
    entropy = np.log(1024) * np.array([1, 1, 0.8, 1])
    assert CrossModalEntropy(floor=0.0).budgets(table(entropy, tokens=1028, ratio=ratio)).tolist() == slots


@given(st.lists(st.floats(0, 8), min_size=2, max_size=30), st.floats(-5, 5))
def test_a_shift_of_all_entropies_changes_nothing(entropy, shift):
    entropy = np.array(entropy)
    np.testing.assert_allclose(softmax(entropy + shift), softmax(entropy), rtol=1e-9)


@given(st.lists(st.floats(0, 8), min_size=2, max_size=30), st.sampled_from(sorted(ALLOCATORS)))
def test_every_allocator_but_the_released_one_meets_the_target(entropy, name):
    problem = table(entropy, tokens=500, lower=5)
    budgets = ALLOCATORS[name]().budgets(problem)
    assert (budgets >= 5).all()
    assert (budgets <= 500).all()
    assert name == "released" or budgets.sum() == problem.target


@given(st.lists(st.floats(0, 8), min_size=2, max_size=30))
def test_more_entropy_never_means_fewer_slots(entropy):
    entropy = np.sort(entropy)
    assert (np.diff(FullRowEntropy().budgets(table(entropy))) >= -1).all()


def test_a_high_temperature_is_uniform():
    budgets = FullRowEntropy(temperature=1e9).budgets(table(SMOLLM2))
    assert np.abs(budgets - Uniform().budgets(table(SMOLLM2))).max() <= 1


def test_floor_and_cap_hold():
    budgets = FullRowEntropy(floor=0.1, cap=0.5).budgets(table(SMOLLM2))
    assert budgets.min() >= 0.1 * 2048
    assert budgets.max() <= 0.5 * 2048


def test_the_pyramid_is_a_line_from_almost_twice_the_mean_to_a_twentieth():
    budgets = Pyramid(beta=20.0).budgets(table(np.zeros(5), ratio=0.2))
    mean = 0.2 * 2048
    np.testing.assert_allclose(budgets, np.linspace(2 * mean - mean / 20, mean / 20, 5), atol=1)


def test_the_pyramid_flattens_when_its_first_layer_would_hold_more_than_there_is():
    """Budgets of kvpress 0.5.5 for 80 tokens, three layers, a window of 16 and 55 % kept."""
    problem = LayerTable(80, 3 * 44, np.full(3, 16), np.full(3, 80), np.zeros(3))
    assert Pyramid().budgets(problem).tolist() == [64, 44, 24]


def test_the_pyramid_flattens_when_its_last_layer_would_lose_what_is_protected():
    problem = LayerTable(1000, 300, np.full(3, 40), np.full(3, 1000), np.zeros(3))
    assert Pyramid().budgets(problem).tolist() == [160, 100, 40]


def test_the_first_layers_are_left_whole_and_the_rest_is_shared_equally():
    assert Late(layers=2).budgets(table(np.zeros(6), tokens=100, ratio=0.5)).tolist() == [100, 100, 25, 25, 25, 25]


def test_a_budget_below_two_whole_layers_goes_to_them_first():
    assert Late(layers=2).budgets(table(np.zeros(4), tokens=100, ratio=0.25, lower=5)).tolist() == [45, 45, 5, 5]


def test_shuffling_permutes_the_budgets_of_its_base():
    base = FullRowEntropy().budgets(table(SMOLLM2))
    shuffled = ShuffledEntropy(seed=3).budgets(table(SMOLLM2))
    assert not np.array_equal(shuffled, base)
    np.testing.assert_array_equal(np.sort(shuffled), np.sort(base))


@pytest.mark.parametrize("layers", [2, 5, 30])
@pytest.mark.parametrize("ratio", [0.1, 0.2, 0.4])
def test_without_bounds_the_shares_are_the_softmax_itself(layers, ratio):
    entropy = np.linspace(2.0, 2.3, layers)
    budgets = FullRowEntropy(floor=0.0).budgets(table(entropy, ratio=ratio))
    raised = [math.exp(value) for value in entropy]
    expected = [int(ratio * layers * 2048) * value / sum(raised) for value in raised]
    assert np.abs(budgets - expected).max() < 1


def test_half_the_temperature_squares_the_ratio_of_two_layers():
    warm, cold = (softmax(np.array([2.0, 1.2]), temperature) for temperature in (1.0, 0.5))
    assert cold[0] / cold[1] == pytest.approx((warm[0] / warm[1]) ** 2)
    assert warm.sum() == cold.sum() == pytest.approx(1.0)


def test_entropies_that_differ_beyond_any_exponential_do_not_overflow():
    assert softmax(np.array([0.0, 5000.0])).tolist() == [0.0, 1.0]


def test_a_floor_that_the_budget_cannot_pay_for_gives_way_to_what_is_protected():
    budgets = FullRowEntropy(floor=0.5).budgets(table(SMOLLM2, ratio=0.2, lower=6))
    assert budgets.sum() == int(0.2 * 30 * 2048)
    assert 6 <= budgets.min() < 0.1 * 2048


def test_a_cap_below_the_budget_gives_way_to_the_whole_prompt():
    budgets = FullRowEntropy(floor=0.0, cap=0.1).budgets(table(SMOLLM2, ratio=0.2))
    assert budgets.sum() == int(0.2 * 30 * 2048)
    assert budgets.max() > 0.1 * 2048


def test_a_cap_below_what_is_protected_leaves_it_alone():
    budgets = FullRowEntropy(floor=0.0, cap=0.01).budgets(table([1.0, 1.0], tokens=100, ratio=0.1, lower=10))
    assert budgets.tolist() == [10, 10]


def test_a_floor_is_rounded_up_and_a_cap_down():
    budgets = FullRowEntropy(floor=0.101, cap=0.299).budgets(table([0.0, 9.0, 9.0], tokens=100, ratio=0.2))
    assert budgets.tolist() == [11, 25, 24]
    assert FullRowEntropy(floor=0.0, cap=0.299).budgets(table([0, 9], tokens=100, ratio=0.2)).tolist() == [11, 29]


def test_the_released_rule_keeps_what_is_protected_and_no_more_than_the_prompt():
    budgets = ReleasedEntropy(floor=0.0).budgets(table([0.0, 50.0], tokens=100, ratio=0.6, lower=7))
    assert budgets.tolist() == [7, 100]


def test_the_published_formula_without_a_mask_is_another_statistic():
    assert CrossModalEntropy().needs == {"cross entropy"}
    assert CrossModalEntropy(causal=False).needs == {"unmasked cross entropy"}
    assert FullRowEntropy().needs == ReleasedEntropy().needs == {"full entropy"}


def test_the_control_asks_for_what_its_base_asks_for():
    assert ShuffledEntropy(CrossModalEntropy()).needs == {"cross entropy"}
    assert ShuffledEntropy(MinimumSlots(queries=7)).window == 7
    assert ShuffledEntropy(MinimumSlots(queries=7)).needs == frozenset()


@given(st.integers(0, 50))
def test_the_control_gives_each_layer_the_weight_of_some_other_one(seed):
    control = ShuffledEntropy(seed=seed)
    weights = control.weights(table(SMOLLM2))
    np.testing.assert_allclose(np.sort(weights), np.sort(softmax(SMOLLM2)))
    np.testing.assert_array_equal(weights, ShuffledEntropy(seed=seed).weights(table(SMOLLM2)))


def test_the_first_layers_of_a_shorter_model_are_all_of_it():
    assert Late(layers=9).budgets(table(np.zeros(4), tokens=100, ratio=0.5)).tolist() == [50] * 4
    assert Late(layers=0).budgets(table(np.zeros(4), tokens=100, ratio=0.5)).tolist() == [50] * 4


@pytest.mark.parametrize("beta", [1.0, 5.0, 20.0])
@pytest.mark.parametrize("ratio", [0.1, 0.45])
def test_the_pyramids_steps_are_equal_and_its_mean_is_the_budget(beta, ratio):
    line = Pyramid(beta).weights(table(np.zeros(7), ratio=ratio))
    np.testing.assert_allclose(np.diff(line), np.diff(line)[0])
    assert line.mean() == pytest.approx(int(ratio * 7 * 2048) / 7)
    assert line[-1] == pytest.approx(line.mean() / beta)


def test_a_pyramid_that_keeps_everything_is_flat():
    assert Pyramid().budgets(table(np.zeros(4), tokens=100, ratio=1.0, lower=9)).tolist() == [100] * 4


@pytest.mark.parametrize(
    "wrong", [lambda: Late(layers=-1), lambda: Pyramid(beta=0.5), lambda: Pyramid(beta=float("nan"))]
)
def test_shapes_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError, match="expected"):
        wrong()


def test_a_floor_may_be_the_cap():
    assert FullRowEntropy(floor=0.2, cap=0.2).budgets(table([0, 9], tokens=100, ratio=0.2)).tolist() == [20, 20]


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"floor": 0.5, "cap": 0.2}, {"cap": 1.5}])
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError):
        FullRowEntropy(**wrong)
