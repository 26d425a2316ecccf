import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.gridml.simulation import PlaneWaves, random_darcy, simulate
from medsuite.gridml.solvers.poisson import solve_poisson
from medsuite.gridml.transfer import interpolate


def test_plane_waves_are_the_sum_that_their_definition_says():
    waves = PlaneWaves(np.array([[1.0, 2.0], [0.0, 3.0]]), np.array([0.5, 0.0]), np.array([2.0, -1.0]))
    points = np.random.default_rng(0).normal(size=(2, 4, 3))
    expected = 2 * np.sin(points[0] + 2 * points[1] + 0.5) - np.sin(3 * points[1])
    np.testing.assert_allclose(waves(points), expected)


def test_the_seed_fixes_the_cases_and_a_case_does_not_depend_on_how_many_follow():
    few, many = simulate("poisson", cases=1, seed=4, spacing=0.3), simulate("poisson", cases=3, seed=4, spacing=0.3)
    assert few[0].mesh.fingerprint == many[0].mesh.fingerprint
    np.testing.assert_array_equal(few[0].target, many[0].target)
    assert len({case.mesh.fingerprint for case in many}) == 3
    assert set(many[0].inputs["a"]) == {1.0}


def test_darcy_has_a_positive_coefficient_that_varies():
    (case,) = simulate("darcy", cases=1, seed=0, spacing=0.3)
    assert case.inputs["a"].min() > 0
    assert np.ptp(case.inputs["a"]) > 0.1


def test_the_solution_of_a_problem_converges_as_its_meshes_are_refined():
    generator = np.random.default_rng(8)
    problem = random_darcy(generator)
    finest = problem.mesh(0.04, generator)
    reference = solve_poisson(problem.problem(finest), 2).nodal
    errors = []
    for spacing in (0.3, 0.15, 0.075):
        mesh = problem.mesh(spacing, generator)
        found = interpolate(mesh, problem.solved(mesh).target, finest.points, outside=0.0)
        errors.append(np.sqrt(finest.measure @ (found - reference) ** 2))
    assert errors[0] / errors[1] > 2.5
    assert errors[1] / errors[2] > 2.5


def test_an_unknown_problem_and_no_cases_are_refused():
    with pytest.raises(InputError, match="did you mean 'poisson'"):
        simulate("poison", cases=1, seed=0)
    with pytest.raises(InputError, match="at least 1"):
        simulate("poisson", cases=0, seed=0)
