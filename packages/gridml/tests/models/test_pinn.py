from dataclasses import replace

import numpy as np
import pytest
import torch

from medsuite.core.errors import InputError
from medsuite.gridml.case import Case, whole_boundary
from medsuite.gridml.models.base import Budget, relative_error
from medsuite.gridml.models.pinn import (
    HardBoundaryNetwork,
    boundary_function,
    collocate,
    residual,
    ritz_energy,
    straight_sides,
)
from medsuite.gridml.models.registry import family


def exact(x):
    return np.sin(np.pi * x[0]) * np.sin(np.pi * x[1])


@pytest.fixture
def square_case(make_square):
    mesh = make_square(3)
    source = 2 * np.pi**2 * exact(mesh.points.T)
    return Case(mesh, {"f": source}, whole_boundary(mesh, "dirichlet", 2.0), 2.0 + exact(mesh.points.T))


def test_facets_on_one_line_are_one_side(make_square, star_mesh):
    assert len(straight_sides(make_square(3))) == 4
    assert len(straight_sides(star_mesh)) == len(star_mesh.boundary_facets)


def test_the_boundary_function_is_zero_on_the_boundary_positive_inside_and_has_slope_one_at_a_side(make_square):
    sides = straight_sides(make_square(1))
    edge = torch.tensor([[0.3, 0.0], [1.0, 0.7]], dtype=torch.float64)
    assert boundary_function(sides, edge).abs().max() < 1e-12
    inside = torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 0.98 + 0.01
    assert boundary_function(sides, inside).min() > 0
    near = torch.tensor([[0.5, 1e-5]], dtype=torch.float64)
    assert boundary_function(sides, near).item() == pytest.approx(1e-5, rel=1e-3)


def test_boundary_data_hold_exactly_whatever_the_weights(square_case):
    sides = straight_sides(square_case.mesh)
    network = HardBoundaryNetwork(8, 2, 2.0, sides)
    points = torch.from_numpy(square_case.mesh.points[square_case.mesh.on_boundary])
    np.testing.assert_allclose(network(points).detach(), 2.0, atol=1e-12)


def test_the_residual_of_the_exact_solution_vanishes(square_case):
    at = collocate(square_case)

    def inner(points):  # û = (u − g)/d with the same d, so that u = g + d û is exact
        sides = straight_sides(square_case.mesh)
        values = torch.sin(np.pi * points[:, 0]) * torch.sin(np.pi * points[:, 1])
        return (values / boundary_function(sides, points))[:, None]

    exact_source = 2 * np.pi**2 * exact(at.points.numpy().T)
    assert residual(inner, replace(at, source=torch.from_numpy(exact_source))).abs().max() < 1e-8


def test_the_exact_solution_has_less_energy_than_its_neighbours(square_case):
    at = collocate(square_case)
    sides = straight_sides(square_case.mesh)

    def scaled(factor):
        def inner(points):
            values = torch.sin(np.pi * points[:, 0]) * torch.sin(np.pi * points[:, 1])
            return (factor * values / boundary_function(sides, points))[:, None]

        return ritz_energy(inner, at).item()

    assert scaled(1.0) < min(scaled(0.9), scaled(1.1))


@pytest.mark.parametrize(("objective", "bound"), [("energy", 0.05), ("residual", 0.1)])
def test_both_objectives_come_close_on_the_square(square_case, objective, bound):
    surrogate = family("pinn", objective=objective, width=16, layers=2, iterations=120).fit([], Budget(), 0)
    flat = replace(square_case, boundary=whole_boundary(square_case.mesh, "dirichlet"), target=square_case.target - 2.0)
    assert relative_error(flat, surrogate.predict(flat)) < bound


def test_cases_without_a_source_or_with_other_boundary_data_are_refused(square_case, make_square):
    surrogate, mesh = family("pinn").fit([], Budget(), 0), square_case.mesh
    for case, message in (
        (replace(square_case, inputs={}), "a source 'f'"),
        (replace(square_case, boundary=whole_boundary(mesh, "neumann")), "dirichlet data on the whole boundary"),
        (replace(square_case, boundary=whole_boundary(mesh, "dirichlet", lambda x: x[0])), "expected one value"),
    ):
        with pytest.raises(InputError, match=message):
            surrogate.predict(case)


def test_the_residual_of_the_disc_is_that_of_four(make_square):
    """-laplace (1 - x^2 - y^2) = 4 on any polygon, here with a = 1 and d of a square: u = d * (u / d)."""
    case = Case(make_square(2), {"f": np.full(25, 4.0)}, whole_boundary(make_square(2), "dirichlet"))
    at, sides = collocate(case), straight_sides(case.mesh)

    def inner(points):
        values = 1.0 - (points**2).sum(dim=1)
        return (values / boundary_function(sides, points))[:, None]

    assert residual(inner, at).abs().max() < 1e-7


def test_a_varying_coefficient_enters_with_its_gradient(make_square):
    """u = x y with a = 1 + x + 2 y: -div(a grad u) = -(y + 2 x)."""
    mesh = make_square(2)
    x, y = mesh.points.T
    case = Case(mesh, {"f": -(y + 2 * x), "a": 1 + x + 2 * y}, whole_boundary(mesh, "dirichlet"))
    at, sides = collocate(case), straight_sides(mesh)

    def inner(points):
        return (points[:, 0] * points[:, 1] / boundary_function(sides, points))[:, None]

    assert residual(inner, at).abs().max() < 1e-7
