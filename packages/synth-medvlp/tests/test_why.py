from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.synth_medvlp import factorial_effects
from medsuite.synth_medvlp.why import CELLS, FACTORS


def slow_shapley(cells, factor):
    """The mean over all orders of turning three factors on of what this one adds when its turn comes."""
    gains = []
    for order in permutations(range(3)):
        before = [0, 0, 0]
        for turned in order[: order.index(factor)]:
            before[turned] = 1
        after = list(before)
        after[factor] = 1
        gains.append(cells[tuple(after)] - cells[tuple(before)])
    return np.mean(gains, axis=0)


values = st.lists(st.floats(0, 1), min_size=16, max_size=16)


@given(values)
def test_shapley_parts_are_the_mean_over_all_orders_and_add_up(numbers):
    cells = dict(zip(CELLS, np.array(numbers).reshape(8, 2), strict=True))
    parts = factorial_effects(cells).shapley
    for place, name in enumerate(FACTORS):
        np.testing.assert_allclose(parts[name], slow_shapley(cells, place), atol=1e-12)
    np.testing.assert_allclose(sum(parts.values()), cells[1, 1, 1] - cells[0, 0, 0], atol=1e-12)


@given(values)
def test_main_effects_and_interactions_are_those_of_least_squares(numbers):
    """The saturated linear model with factors at -1/2 and 1/2."""
    outcome = np.array(numbers).reshape(8, 2)
    half = np.array(CELLS) - 0.5
    pairs = [(0, 1), (0, 2), (1, 2)]
    columns = [np.ones(8), *half.T, *(2 * half[:, a] * half[:, b] for a, b in pairs), half.prod(1)]
    fitted = np.linalg.solve(np.stack(columns, axis=1), outcome)
    effects = factorial_effects(dict(zip(CELLS, outcome, strict=True)))
    np.testing.assert_allclose(np.stack(list(effects.main.values())), fitted[1:4], atol=1e-12)
    np.testing.assert_allclose(np.stack(list(effects.interaction.values())), fitted[4:7], atol=1e-12)


def test_without_interactions_main_effect_and_shapley_part_are_the_same():
    cells = {cell: np.array([0.5 + 0.1 * cell[0] + 0.05 * cell[1] - 0.2 * cell[2]]) for cell in CELLS}
    effects = factorial_effects(cells)
    for name, expected in zip(FACTORS, (0.1, 0.05, -0.2), strict=True):
        assert effects.main[name] == pytest.approx(expected)
        assert effects.shapley[name] == pytest.approx(expected)


def test_a_missing_cell_is_named():
    with pytest.raises(InputError, match=r"\(1, 1, 1\) is missing"):
        factorial_effects({cell: np.zeros(1) for cell in CELLS[:-1]})
