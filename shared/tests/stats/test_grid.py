"""Rows become a grid of seeds by units, and two arms are paired cell by cell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.claims import Measurement
from medsuite.core.errors import InputError
from medsuite.core.stats import tabulate


def rows(arm, cells, metric="correct"):
    return [Measurement(arm, seed, unit, metric, value) for (seed, unit), value in cells.items()]


FULL = rows("full", {(0, "q1"): 1.0, (0, "q2"): 0.0, (1, "q1"): 1.0, (1, "q2"): 1.0, (1, "q3"): 0.5})
PRUNED = rows("pruned", {(1, "q2"): 0.5, (1, "q1"): 1.0, (2, "q1"): 0.0, (1, "q4"): 0.0})


def test_rows_are_sorted_into_seeds_and_units():
    grid = tabulate([*PRUNED, *FULL], arm="full", metric="correct")
    assert (grid.seeds, grid.units) == ((0, 1), ("q1", "q2", "q3"))
    np.testing.assert_array_equal(grid.values, [[1, 0, np.nan], [1, 1, 0.5]])


def test_means_skip_what_was_not_measured():
    grid = tabulate(FULL, arm="full", metric="correct")
    np.testing.assert_allclose(grid.unit_means(), [1, 0.5, 0.5])
    np.testing.assert_allclose(grid.seed_means(), [0.5, 2.5 / 3])


@given(order=st.permutations(range(len(FULL))))
def test_the_order_of_rows_does_not_matter(order):
    grid, shuffled = (tabulate(r, arm="full", metric="correct") for r in (FULL, [FULL[i] for i in order]))
    np.testing.assert_array_equal(grid.values, shuffled.values)


def test_a_difference_pairs_common_seeds_and_units():
    difference = tabulate(FULL, arm="full", metric="correct") - tabulate(PRUNED, arm="pruned", metric="correct")
    assert (difference.seeds, difference.units) == ((1,), ("q1", "q2"))
    np.testing.assert_array_equal(difference.values, [[0, 0.5]])


def test_units_undefined_in_either_arm_leave_the_difference():
    undefined = rows("pruned", {(1, "q1"): np.nan, (1, "q2"): 1.0})
    difference = tabulate(FULL, arm="full", metric="correct") - tabulate(undefined, arm="pruned", metric="correct")
    assert difference.units == ("q2",)


def test_an_arm_without_those_seeds_is_paired_by_unit_alone():
    once = rows("rule", {(7, "q1"): 0.0, (7, "q2"): 0.0})
    full, rule = tabulate(FULL, arm="full", metric="correct"), tabulate(once, arm="rule", metric="correct")
    with pytest.raises(InputError, match="no common seed: 0, 1 against 7; pair by unit alone"):
        full - rule
    np.testing.assert_allclose((full.over_seeds() - rule.over_seeds()).values, [[1, 0.5]])


def test_arms_without_a_common_unit_are_not_compared():
    other = rows("pruned", {(1, f"p{i}"): 0.0 for i in range(5)})
    with pytest.raises(InputError, match="no common unit: q1, q2, q3 against p0, p1, p2 and 2 more"):
        tabulate(FULL, arm="full", metric="correct") - tabulate(other, arm="pruned", metric="correct")


@pytest.mark.parametrize(
    ("arm", "metric", "message"),
    [("ful", "correct", "did you mean 'full'"), ("full", "corect", "did you mean 'correct'")],
)
def test_a_misspelt_name_is_answered_with_the_nearest(arm, metric, message):
    with pytest.raises(InputError, match=message):
        tabulate(FULL, arm=arm, metric=metric)


def test_a_cell_measured_twice_is_refused():
    with pytest.raises(InputError, match="6 rows for 5 cells of arm full"):
        tabulate([*FULL, FULL[0]], arm="full", metric="correct")


def test_a_metric_that_is_nan_everywhere_is_refused():
    with pytest.raises(InputError, match="NaN everywhere"):
        tabulate(rows("full", {(0, "q1"): np.nan}), arm="full", metric="correct")
