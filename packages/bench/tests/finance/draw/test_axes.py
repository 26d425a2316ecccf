"""Axes and tick labels."""

from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.bench.finance.draw.axes import Axis, fit_axis, tick_label, ticks
from medsuite.core.errors import InputError

RANGES = st.tuples(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9)).filter(lambda pair: pair[1] > abs(pair[0]) * 1e-6)


@given(value=RANGES)
def test_ticks_are_multiples_of_one_step_of_one_two_or_five(value: tuple[float, float]) -> None:
    lower, span = value
    found = ticks(lower, lower + span)
    steps = {second - first for first, second in pairwise(found)}
    assert len(found) >= 3
    assert len(steps) == 1
    assert int(steps.pop().normalize().as_tuple().digits[0]) in (1, 2, 5)


@given(value=RANGES)
def test_a_label_reads_as_exactly_the_value_at_which_it_stands(value: tuple[float, float]) -> None:
    for tick in ticks(value[0], value[0] + value[1]):
        assert Decimal(tick_label(tick).replace(",", "")) == tick


@given(price=st.floats(1, 1000))
def test_value_and_pixel_are_inverse(price: float) -> None:
    axis = Axis(lower=1, upper=1000, top=20, bottom=420)
    assert axis.value(axis.pixel(price)) == pytest.approx(price)
    assert axis.pixel(1000) == 20


def test_a_range_that_cannot_be_drawn_is_refused() -> None:
    assert fit_axis(5, 5, 0, 100).span > 0
    with pytest.raises(InputError, match="cannot be drawn"):
        fit_axis(np.nan, 1, 0, 100)
