import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.gridml.cost import CostPoint, cases_to_pay_off, frontier, median_seconds, seconds_at_error, time_ratio

SOLVER = [CostPoint("h", 1.0, 1e-1), CostPoint("h/2", 4.0, 1e-2), CostPoint("h/4", 16.0, 1e-3)]


def test_time_at_equal_error_is_read_off_the_curve_in_logarithms():
    assert seconds_at_error(SOLVER, 1e-2) == pytest.approx(4.0)
    assert seconds_at_error(SOLVER, np.sqrt(1e-3)) == pytest.approx(2.0)
    assert time_ratio(CostPoint("net", 8.0, 1e-2), SOLVER) == pytest.approx(2.0)


def test_nothing_is_extrapolated_beyond_the_most_accurate_solution():
    assert np.isnan(time_ratio(CostPoint("net", 8.0, 1e-4), SOLVER))


def test_a_crude_surrogate_is_compared_with_the_cheapest_solution():
    assert time_ratio(CostPoint("net", 0.5, 0.9), SOLVER) == pytest.approx(0.5)


def test_points_that_another_one_beats_are_no_part_of_the_curve():
    slow = CostPoint("slow", 9.0, 5e-2)
    assert slow not in frontier([*SOLVER, slow])
    assert seconds_at_error([*SOLVER, slow], 1e-2) == pytest.approx(4.0)


def test_training_pays_off_after_its_cost_over_the_saving_or_never():
    assert cases_to_pay_off(100.0, 1.0, 3.0) == pytest.approx(50.0)
    assert cases_to_pay_off(100.0, 3.0, 1.0) == float("inf")


def test_a_point_without_cost_or_error_is_refused():
    with pytest.raises(InputError, match="both above 0"):
        CostPoint("label", 1.0, 0.0)


def test_each_timed_call_gets_a_fresh_argument():
    made, seen = iter(range(100)), []
    assert median_seconds(lambda: next(made), seen.append, 5) >= 0
    assert seen == [0, 1, 2, 3, 4, 5]


COSTS = st.lists(st.tuples(st.floats(1e-3, 1e3), st.floats(1e-6, 1.0)), min_size=1, max_size=12)


@given(costs=COSTS)
def test_the_frontier_is_what_no_other_point_beats(costs):
    points = [CostPoint(str(index), *cost) for index, cost in enumerate(costs)]
    kept = frontier(points)
    for point in points:
        beaten = any(other.seconds <= point.seconds and other.error <= point.error for other in kept)
        assert beaten or point in kept
    assert all(not (other.seconds <= point.seconds and other.error < point.error) for point in kept for other in points)


@given(costs=COSTS, error=st.floats(1e-6, 1.0), factor=st.floats(1.0, 10.0))
def test_more_accuracy_never_costs_less(costs, error, factor):
    points = [CostPoint(str(index), *cost) for index, cost in enumerate(costs)]
    loose, strict = seconds_at_error(points, error * factor), seconds_at_error(points, error)
    assert np.isnan(strict) or loose <= strict * (1 + 1e-9)
    assert np.isnan(strict) == (error < min(point.error for point in points))
