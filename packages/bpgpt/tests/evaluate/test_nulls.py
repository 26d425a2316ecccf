import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.bpgpt.evaluate.nulls import LEAST_SHIFT, exchange, shift
from medsuite.core.errors import InputError


@given(st.integers(2, 40), st.integers(0, 1000))
def test_an_exchange_uses_every_window_once_and_leaves_none_in_its_place(windows, seed):
    permutation = exchange(windows, np.random.default_rng(seed))
    assert sorted(permutation) == list(range(windows))
    assert (permutation != np.arange(windows)).all()


@given(st.integers(2 * LEAST_SHIFT + 1, 120), st.integers(0, 1000))
def test_a_shift_is_a_rotation_by_at_least_sixty_seconds_either_way(rows, seed):
    moved = shift(np.arange(rows, dtype=float)[:, None], np.random.default_rng(seed))[:, 0]
    by = int(np.flatnonzero(moved == 0)[0])
    np.testing.assert_array_equal(moved, np.roll(np.arange(rows), by))
    assert LEAST_SHIFT <= by <= rows - LEAST_SHIFT


def test_too_little_data_for_a_null_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="permutation of 1 windows"):
        exchange(1, rng)
    with pytest.raises(InputError, match="60 TRs; expected at least 61"):
        shift(np.zeros((60, 2)), rng)
