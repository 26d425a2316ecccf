import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.gridml import norms
from medsuite.gridml.case import whole_boundary
from medsuite.gridml.mesh import repair
from medsuite.gridml.refinement import adapt, dorfler, refine, residual_estimator
from medsuite.gridml.solvers.poisson import PoissonProblem, solve_poisson


def singular(x):
    """r^(2/3) sin(2φ/3) with φ from the leg of the re-entrant corner along +y."""
    angle = np.mod(np.arctan2(x[1], x[0]) - np.pi / 2, 2 * np.pi)
    return np.hypot(*x) ** (2 / 3) * np.sin(
        2 * np.where(angle > 1.75 * np.pi, 0.0, angle) / 3
    )  # rounding may turn φ = 0 into 2π


def singular_gradient(x):
    """In polar form: (2/3) r^(-1/3) (e_r sin 2φ/3 + e_φ cos 2φ/3)."""
    radius, polar = np.hypot(*x), np.arctan2(x[1], x[0])
    angle = 2 * np.mod(polar - np.pi / 2, 2 * np.pi) / 3
    radial, around = np.sin(angle), np.cos(angle)
    unit = np.stack([np.cos(polar), np.sin(polar)])
    turned = np.stack([-np.sin(polar), np.cos(polar)])
    return 2 / 3 * radius ** (-1 / 3) * (radial * unit + around * turned)


def l_shape():
    skfem = pytest.importorskip("skfem")
    grid = skfem.MeshTri.init_lshaped()
    return repair(grid.p.T, grid.t.T.astype(np.int64))


def pose(mesh):
    return PoissonProblem(mesh, 0.0, whole_boundary(mesh, "dirichlet", singular))


def error_of(step):
    return norms.h1_error(step.solution.basis, step.solution.dofs, singular_gradient)


def everywhere(mesh):
    return refine(mesh, np.ones(len(mesh.triangles), dtype=bool))


def test_adaptive_refinement_gives_the_reference_table_and_regains_the_optimal_slope():
    steps = list(adapt(pose, everywhere(l_shape()), steps=11))
    errors = {step.problem.mesh.node_count: error_of(step) for step in steps}
    assert list(errors) == [21, 32, 55, 84, 152, 262, 486, 892, 1617, 3007, 5509]
    found = [errors[nodes] for nodes in (84, 486, 3007, 5509)]
    np.testing.assert_allclose(found, [0.115794, 0.043613, 0.017016, 0.012532], atol=1e-6)
    late = np.array([(nodes, error) for nodes, error in errors.items() if nodes >= 84])
    assert np.polyfit(*np.log(late.T), 1)[0] == pytest.approx(-0.514, abs=0.02)
    # The estimator overrates the error a little more with each step: corners of many shapes meet.
    effectivity = np.array([step.estimate for step in steps]) / list(errors.values())
    assert (np.diff(effectivity) > 0).all()
    np.testing.assert_allclose(effectivity[[0, 3, 10]], [2.91, 3.25, 3.73], atol=0.01)


def test_uniform_refinement_gives_the_reference_table_and_an_effectivity_of_three():
    mesh, found = l_shape(), []
    for _ in range(5):
        mesh = everywhere(mesh)
        (step,) = adapt(pose, mesh, steps=1)
        found.append((mesh.node_count, error_of(step), step.estimate / error_of(step)))
    nodes, errors, effectivity = zip(*found, strict=True)
    assert nodes == (21, 65, 225, 833, 3201)
    np.testing.assert_allclose(errors, [0.290724, 0.188302, 0.121161, 0.077409, 0.049209], atol=1e-6)
    assert np.log2(errors[-1] / errors[-2]) == pytest.approx(-2 / 3, abs=0.02), "half of it in unknowns"
    assert 2.9 < min(effectivity) < max(effectivity) < 3.1


@given(values=st.lists(st.floats(0.01, 100), min_size=1, max_size=12), theta=st.floats(0.05, 1.0))
def test_marking_takes_the_smallest_set_that_holds_the_share(values, theta):
    indicators = np.array(values)
    marked = dorfler(indicators, theta)
    squares = np.sort(indicators**2)[::-1]
    assert (indicators[marked] ** 2).sum() >= theta * squares.sum() * (1 - 1e-12)
    assert squares[: marked.sum() - 1].sum() < theta * squares.sum()


@pytest.mark.parametrize("theta", [0.0, -1.0, 1.5])
def test_a_share_that_is_none_is_refused(theta):
    with pytest.raises(InputError, match="a marking fraction"):
        dorfler(np.ones(3), theta)


def test_a_solution_in_the_space_has_no_estimated_error(star_mesh):
    problem = PoissonProblem(star_mesh, 0.0, whole_boundary(star_mesh, "dirichlet", lambda x: 1 + 2 * x[0] - x[1]))
    (step,) = adapt(lambda _: problem, star_mesh, steps=1)
    assert step.estimate < 1e-10


def test_refining_keeps_the_area_and_adds_nodes_only_around_the_marked_cell(star_mesh):
    marked = np.zeros(len(star_mesh.triangles), dtype=bool)
    marked[10] = True
    finer = refine(star_mesh, marked)
    assert finer.areas.sum() == pytest.approx(star_mesh.areas.sum())
    assert star_mesh.node_count < finer.node_count < star_mesh.node_count + 10


def test_the_estimator_is_the_sum_that_its_definition_says(star_mesh):
    problem = PoissonProblem(star_mesh, 3.0, whole_boundary(star_mesh, "dirichlet"), 2.0)
    solution = solve_poisson(problem)
    corners = star_mesh.points[star_mesh.triangles]
    values = solution.nodal[star_mesh.triangles]
    slopes = np.linalg.solve(corners[:, 1:] - corners[:, :1], (values[:, 1:] - values[:, :1])[..., None])[..., 0]
    squares = 2 * star_mesh.areas * 3.0**2 * star_mesh.areas  # h_T² = 2|T|
    for one, cell in enumerate(star_mesh.triangles):
        for other, neighbour in enumerate(star_mesh.triangles):
            shared = np.intersect1d(cell, neighbour)
            if len(shared) == 2:
                along = star_mesh.points[shared[1]] - star_mesh.points[shared[0]]
                length = np.linalg.norm(along)
                jump = 2.0 * (slopes[one] - slopes[other]) @ np.array([along[1], -along[0]]) / length
                squares[one] += 0.5 * length * length * jump**2
    np.testing.assert_allclose(residual_estimator(problem, solution), np.sqrt(squares), rtol=1e-9)


@pytest.mark.parametrize("values", [[0.0, 0.0], [1.0, np.nan], [np.inf, 1.0]])
def test_nothing_is_marked_where_there_is_no_error_and_an_error_that_is_no_number_is_refused(values):
    indicators = np.array(values)
    if indicators.any():
        with pytest.raises(InputError, match="1 error indicators are not finite"):
            dorfler(indicators)
    else:
        assert not dorfler(indicators).any()


def test_a_solution_of_another_degree_is_refused(star_mesh):
    problem = PoissonProblem(star_mesh, 1.0, whole_boundary(star_mesh, "dirichlet"))
    with pytest.raises(InputError, match="a solution of degree 2; expected P1"):
        residual_estimator(problem, solve_poisson(problem, 2))


def test_a_varying_coefficient_adds_its_gradient_to_the_residual(make_square):
    # -div((1 + x) grad x) = -1: u = x is in the space, so that the estimator must vanish with the source that fits it.
    mesh = make_square(3, distortion=0.1)
    exact = whole_boundary(mesh, "dirichlet", lambda x: x[0])
    fitting = PoissonProblem(mesh, -1.0, exact, lambda x: 1 + x[0])
    assert np.linalg.norm(residual_estimator(fitting, solve_poisson(fitting))) < 1e-9
    wrong = PoissonProblem(mesh, 0.0, exact, lambda x: 1 + x[0])
    assert np.linalg.norm(residual_estimator(wrong, solve_poisson(fitting))) == pytest.approx(
        np.sqrt((2 * mesh.areas**2).sum()), rel=1e-9
    )
