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


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"floor": 0.5, "cap": 0.2}, {"cap": 1.5}])
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(InputError):
        FullRowEntropy(**wrong)
