import numpy as np
import pytest
from scipy.sparse import csc_array
from scipy.sparse.linalg import eigsh

from medsuite.core.errors import InputError
from medsuite.gridml import norms
from medsuite.gridml.case import BoundaryTag, whole_boundary
from medsuite.gridml.solvers import fem
from medsuite.gridml.solvers.linear import algebraic_multigrid, conjugate_gradients, direct
from medsuite.gridml.solvers.poisson import PoissonProblem, assemble, solve_poisson


def exact(x):
    return np.sin(np.pi * x[0]) * np.sin(np.pi * x[1])


def gradient(x):
    return np.pi * np.stack([np.cos(np.pi * x[0]) * np.sin(np.pi * x[1]), np.sin(np.pi * x[0]) * np.cos(np.pi * x[1])])


def diffusivity(x):
    return 1.0 + x[0]


def darcy_source(x):
    return 2 * np.pi**2 * diffusivity(x) * exact(x) - gradient(x)[0]


def sides(mesh):
    """A square whose left side is dirichlet, right side robin and the others neumann, all from the exact solution."""
    middle = mesh.points[mesh.boundary_facets].mean(axis=1)
    left, right = middle[:, 0] == 0, middle[:, 0] == 1
    lower, upper = (middle[:, 1] == 0) & ~left & ~right, (middle[:, 1] == 1) & ~left & ~right
    tags = {
        "left": ("dirichlet", left, exact, 0.0),
        "right": ("robin", right, lambda x: diffusivity(x) * gradient(x)[0] + 3.0 * exact(x), 3.0),
        "lower": ("neumann", lower, lambda x: -diffusivity(x) * gradient(x)[1], 0.0),
        "upper": ("neumann", upper, lambda x: diffusivity(x) * gradient(x)[1], 0.0),
    }
    return tuple(
        BoundaryTag(name, kind, np.flatnonzero(mask), value, rate) for name, (kind, mask, value, rate) in tags.items()
    )


@pytest.mark.parametrize(("order", "l2", "h1"), [(1, 2.0, 1.0), (2, 3.0, 2.0)])
def test_darcy_with_all_kinds_of_boundary_converges_at_the_orders_of_theory(make_square, order, l2, h1):
    errors = []
    for level in (3, 4, 5):
        mesh = make_square(level, distortion=0.15, seed=level)
        solution = solve_poisson(PoissonProblem(mesh, darcy_source, sides(mesh), diffusivity), order)
        errors.append(
            (
                norms.l2_error(solution.basis, solution.dofs, exact),
                norms.h1_error(solution.basis, solution.dofs, gradient),
            )
        )
    slopes = np.log2(np.array(errors[-2]) / errors[-1])
    np.testing.assert_allclose(slopes, [l2, h1], atol=0.1)


def test_the_p1_stiffness_is_the_cotangent_laplacian(star_mesh):
    cotangent = np.zeros((star_mesh.node_count,) * 2)
    for cell in star_mesh.triangles:
        for corner in range(3):
            here, one, other = (cell[(corner + step) % 3] for step in range(3))
            u, v = star_mesh.points[one] - star_mesh.points[here], star_mesh.points[other] - star_mesh.points[here]
            weight = 0.5 * (u @ v) / abs(u[0] * v[1] - u[1] * v[0])
            cotangent[[one, other], [other, one]] -= weight
            cotangent[[one, other], [one, other]] += weight
    stiffness = fem.stiffness(fem.space(star_mesh)).toarray()
    np.testing.assert_allclose(stiffness, cotangent, atol=1e-12)
    np.testing.assert_allclose(stiffness.sum(axis=1), 0.0, atol=1e-12)


def test_the_mass_matrix_sums_to_the_area_and_its_lumping_to_the_measure(star_mesh):
    mass = fem.mass(fem.space(star_mesh))
    assert mass.sum() == pytest.approx(star_mesh.areas.sum(), rel=1e-12)
    np.testing.assert_allclose(mass.sum(axis=1), star_mesh.measure, rtol=1e-10)


def test_p2_reproduces_quadratics_with_inhomogeneous_data(star_mesh):
    def quadratic(x):
        return 1 + x[0] - 2 * x[1] + x[0] ** 2 + 3 * x[0] * x[1]

    problem = PoissonProblem(star_mesh, -2.0, whole_boundary(star_mesh, "dirichlet", quadratic))
    solution = solve_poisson(problem, 2)
    np.testing.assert_allclose(solution.dofs, quadratic(solution.basis.doflocs), atol=1e-10)


def test_multigrid_and_conjugate_gradients_find_what_the_factorisation_finds(star_mesh):
    problem = PoissonProblem(star_mesh, lambda x: np.cos(3 * x[0]), whole_boundary(star_mesh, "dirichlet"))
    expected = solve_poisson(problem, linear_solver=direct).nodal
    np.testing.assert_allclose(solve_poisson(problem, linear_solver=algebraic_multigrid).nodal, expected, atol=1e-9)

    def iterate(matrix, vector):
        return conjugate_gradients(matrix, vector, np.zeros(len(vector)), 1e-12).values

    np.testing.assert_allclose(solve_poisson(problem, linear_solver=iterate).nodal, expected, atol=1e-9)


def test_conjugate_gradients_from_the_solution_needs_no_iteration(star_mesh):
    tag = BoundaryTag("all", "robin", np.arange(len(star_mesh.boundary_facets)), 0.0, rate=1.0)
    system = assemble(PoissonProblem(star_mesh, 1.0, (tag,)))
    solution = direct(system.matrix, system.load)
    assert conjugate_gradients(system.matrix, system.load, solution, 1e-6).iterations == 0
    assert conjugate_gradients(system.matrix, system.load, 0 * solution, 1e-6).iterations > 5


def test_boundary_data_without_a_unique_solution_are_refused(star_mesh):
    with pytest.raises(InputError, match="not unique"):
        PoissonProblem(star_mesh, 1.0, whole_boundary(star_mesh, "neumann"))
    with pytest.raises(InputError, match="of kind 'unknown'"):
        PoissonProblem(star_mesh, 1.0, whole_boundary(star_mesh, "unknown"))


def test_a_problem_becomes_a_case_with_its_coefficients_at_the_nodes(star_mesh):
    problem = PoissonProblem(star_mesh, lambda x: x[0], whole_boundary(star_mesh, "dirichlet"), 2.0)
    case = problem.case()
    np.testing.assert_allclose(case.inputs["f"], star_mesh.points[:, 0])
    assert set(case.inputs["a"]) == {2.0}
    assert case.target is None


def test_eigenvalues_of_the_square_come_from_above_at_second_order(make_square):
    """-laplace u = lambda u has 2, 5, 5, 8, 10, 10 (times pi squared); on 33 x 33 nodes P1 gives the reference's."""
    exact_values, found = np.array([2, 5, 5, 8, 10, 10]), []
    for level in (4, 5):
        mesh = make_square(level)
        inside, basis = np.flatnonzero(~mesh.on_boundary), fem.space(mesh)
        stiffness, mass = (matrix[inside][:, inside] for matrix in (fem.stiffness(basis), fem.mass(basis)))
        values = eigsh(csc_array(stiffness), 6, csc_array(mass), sigma=0.0, return_eigenvectors=False)
        found.append(np.sort(values) / np.pi**2)
    errors = [values - exact_values for values in found]
    assert min(errors[1]) > 0
    np.testing.assert_allclose(errors[0] / errors[1], 4.0, rtol=0.05)
    np.testing.assert_allclose(found[1], [2.0048, 5.0207, 5.0324, 8.0769, 10.0949, 10.0955], atol=2e-4)


def test_a_flux_through_one_side_comes_out_at_the_other(make_square):
    """u = x with a = 2: flux 2 in by neumann at x = 1, out where dirichlet data hold; reactions balance the load."""
    mesh = make_square(3, distortion=0.1)
    middle = mesh.points[mesh.boundary_facets].mean(axis=1)
    left, right = middle[:, 0] == 0, middle[:, 0] == 1
    tags = (
        BoundaryTag("left", "dirichlet", np.flatnonzero(left), 0.0),
        BoundaryTag("right", "neumann", np.flatnonzero(right), 2.0),
        BoundaryTag("rest", "neumann", np.flatnonzero(~left & ~right), 0.0),
    )
    problem = PoissonProblem(mesh, 0.0, tags, 2.0)
    solution = solve_poisson(problem)
    np.testing.assert_allclose(solution.nodal, mesh.points[:, 0], atol=1e-10)
    system = assemble(problem)
    reaction = (system.matrix @ solution.dofs - system.load)[system.fixed]
    assert reaction.sum() == pytest.approx(-2.0)


@pytest.mark.parametrize("diffusivity", [-1.0, float("nan"), lambda x: x[0] - 10.0, lambda x: 1 / (x[0] - x[0])])
def test_a_diffusivity_that_is_none_is_refused(star_mesh, diffusivity):
    with np.errstate(divide="ignore", invalid="ignore"), pytest.raises(InputError, match="a diffusivity of"):
        PoissonProblem(star_mesh, 1.0, whole_boundary(star_mesh, "dirichlet"), diffusivity)
