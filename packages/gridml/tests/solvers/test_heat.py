import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.gridml.case import whole_boundary
from medsuite.gridml.solvers import fem
from medsuite.gridml.solvers.heat import solve_heat
from medsuite.gridml.solvers.poisson import PoissonProblem, solve_poisson


def mode(x):
    return np.sin(np.pi * x[0]) * np.sin(2 * np.pi * x[1])


def problem_on(mesh, source=0.0):
    return PoissonProblem(mesh, source, whole_boundary(mesh, "dirichlet"))


def test_a_single_mode_decays_at_second_order_in_time(make_square):
    mesh = make_square(4)
    decay = np.exp(-5 * np.pi**2 * 0.05)
    errors = []
    for steps in (8, 16, 32):
        solution = solve_heat(problem_on(mesh), mode, duration=0.05, steps=steps, order=2)
        errors.append(np.abs(solution.dofs[-1] - decay * mode(solution.basis.doflocs)).max())
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(slopes[-1], 2.0, atol=0.2)


@pytest.mark.parametrize(("order", "expected"), [(1, 2.0), (2, 3.0)])
def test_halving_the_mesh_size_gains_the_spatial_order(make_square, order, expected):
    errors = []
    for level in (2, 3, 4):
        solution = solve_heat(problem_on(make_square(level)), mode, duration=0.02, steps=160, order=order)
        difference = solution.dofs[-1] - np.exp(-5 * np.pi**2 * 0.02) * mode(solution.basis.doflocs)
        errors.append(np.sqrt(difference @ (fem.mass(solution.basis) @ difference)))
    assert np.log2(errors[-2] / errors[-1]) > expected - 0.2


def test_energy_only_falls_without_a_source(star_mesh):
    solution = solve_heat(problem_on(star_mesh), lambda x: 1.0 + 0 * x[0], duration=0.5, steps=20)
    mass = fem.mass(solution.basis)
    energy = [state @ (mass @ state) for state in solution.dofs]
    assert (np.diff(energy) < 0).all()


def test_with_a_source_it_settles_on_the_steady_solution(star_mesh):
    steady = solve_poisson(problem_on(star_mesh, 1.0)).dofs
    solution = solve_heat(problem_on(star_mesh, 1.0), lambda x: 0 * x[0], duration=10.0, steps=200)
    np.testing.assert_allclose(solution.dofs[-1], steady, atol=1e-5)
    assert solution.dofs.shape == (201, star_mesh.node_count)
    assert solution.times[-1] == 10.0


@pytest.mark.parametrize(("duration", "steps"), [(1.0, 2), (0.0, 10)])
def test_too_few_steps_or_no_duration_are_refused(star_mesh, duration, steps):
    with pytest.raises(InputError, match="at least 3 steps"):
        solve_heat(problem_on(star_mesh), mode, duration=duration, steps=steps)


def test_a_spot_of_heat_spreads_as_in_the_free_plane_until_it_touches_the_wall(make_square):
    """exp(-r^2 / 4(s + t)) s / (s + t) solves the heat equation; the wall is nine widths away."""
    mesh, start, duration = make_square(6), 1e-3, 1e-3

    def kernel(x, time):
        distance = (x[0] - 0.5) ** 2 + (x[1] - 0.5) ** 2
        return start / (start + time) * np.exp(-distance / (4 * (start + time)))

    solution = solve_heat(problem_on(mesh), lambda x: kernel(x, 0.0), duration=duration, steps=20, order=2)
    expected = kernel(solution.basis.doflocs, duration)
    np.testing.assert_allclose(solution.dofs[-1], expected, atol=2e-3)
    weights = fem.mass(solution.basis) @ np.ones(solution.dofs.shape[1])
    heat = solution.dofs @ weights
    np.testing.assert_allclose(heat, heat[0], rtol=1e-4)
    assert heat[0] == pytest.approx(4 * np.pi * start, rel=1e-3)
