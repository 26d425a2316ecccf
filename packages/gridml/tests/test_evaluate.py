import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.gridml.case import Case
from medsuite.gridml.evaluate import evaluate_surrogate


class Off:
    """Predicts the known solution times one plus an error that differs by case."""

    def __init__(self, errors):
        self.errors = errors

    def predict(self, case):
        return case.target * (1 + self.errors[case.name])


def test_the_table_has_median_centile_and_the_worst_case_by_name(cases):
    errors = {case.name: 0.1 * (index + 1) for index, case in enumerate(cases)}
    table = {row.norm: row for row in evaluate_surrogate(Off(errors), cases)}
    assert set(table) == {"l2", "h1", "linf", "node_legacy"}
    for row in table.values():
        assert row.median == pytest.approx(0.25)
        assert row.high == pytest.approx(0.37)
        assert row.worst == pytest.approx(0.4)
        assert row.worst_case == cases[-1].name


def test_cases_without_a_solution_or_with_a_zero_one_are_refused(cases):
    first = cases[0]
    with pytest.raises(InputError, match="no solution to compare with"):
        evaluate_surrogate(Off({}), [Case(first.mesh, first.inputs, first.boundary)])
    zero = Case(first.mesh, first.inputs, first.boundary, np.zeros(first.mesh.node_count))
    with pytest.raises(InputError, match="solution is zero"):
        evaluate_surrogate(Off({"case": 0.0}), [zero])


def test_a_prediction_that_is_no_number_is_not_taken_for_a_zero_solution(cases):
    errors = {case.name: 0.1 for case in cases} | {cases[1].name: np.nan}
    with pytest.raises(InputError, match=f"{cases[1].name}: .* predicted values are not finite"):
        evaluate_surrogate(Off(errors), cases)
