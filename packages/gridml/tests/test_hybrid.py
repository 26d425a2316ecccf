import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.gridml.case import whole_boundary
from medsuite.gridml.hybrid import solve_with_guess
from medsuite.gridml.solvers.poisson import PoissonProblem, solve_poisson


class Scaled:
    """A surrogate whose prediction is the solution times a factor."""

    def __init__(self, solution, factor):
        self.field = factor * solution

    def predict(self, case):
        return self.field


@pytest.fixture
def problem(make_square):
    mesh = make_square(4, distortion=0.2)
    return PoissonProblem(mesh, lambda x: np.sin(5 * x[0]) + x[1], whole_boundary(mesh, "dirichlet", lambda x: x[0]))


def test_the_answer_is_the_solver_s_whatever_the_guess(problem):
    exact = solve_poisson(problem).nodal
    for factor in (1.001, 0.0, -3.0):
        found = solve_with_guess(problem, Scaled(exact, factor), tolerance=1e-10)
        np.testing.assert_allclose(found.nodal, exact, atol=1e-8)


def test_a_good_guess_saves_iterations_and_a_bad_one_costs_some(problem):
    exact = solve_poisson(problem).nodal
    assert solve_with_guess(problem, Scaled(exact, 1.0)).iterations == 0
    rough = exact + 1e-3 * np.random.default_rng(0).normal(size=len(exact)) * ~problem.case().fixed
    assert 0 < solve_with_guess(problem, Scaled(rough, 1.0)).saved < 1
    assert solve_with_guess(problem, Scaled(1e3 * np.random.default_rng(0).normal(size=len(exact)), 1.0)).saved < 0


def test_zero_needs_no_guess(star_mesh):
    zero = PoissonProblem(star_mesh, 0.0, whole_boundary(star_mesh, "dirichlet"))
    with pytest.raises(InputError, match="solution is zero"):
        solve_with_guess(zero, Scaled(np.zeros(star_mesh.node_count), 1.0))
