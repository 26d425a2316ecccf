import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.gridml.domains import random_star, triangulate
from medsuite.gridml.mesh import Mesh
from medsuite.gridml.solvers import fem
from medsuite.gridml.transfer import interpolate, interpolate_quadratic, locate


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_points_are_found_in_the_cell_that_they_were_drawn_from(seed):
    generator = np.random.default_rng(seed)
    mesh = triangulate(random_star(generator), 0.2, generator)
    cells = generator.integers(len(mesh.triangles), size=50)
    weights = generator.dirichlet(np.ones(3), 50)
    points = np.einsum("pk,pkd->pd", weights, mesh.points[mesh.triangles[cells]])
    place = locate(mesh, points)
    assert place.inside.all()
    assert (place.cells == cells).all()
    np.testing.assert_allclose(place.barycentric, weights, atol=1e-9)


def test_linear_functions_come_through_exactly_and_the_outside_is_marked(star_mesh):
    points = np.array([[0.1, -0.2], [0.3, 0.3], [5.0, 5.0]])
    found = interpolate(star_mesh, star_mesh.points @ [2.0, -1.0], points)
    np.testing.assert_allclose(found[:2], points[:2] @ [2.0, -1.0])
    assert np.isnan(found[2])
    assert interpolate(star_mesh, np.ones(star_mesh.node_count), points, outside=0.0)[2] == 0.0


def test_quadratic_functions_come_through_exactly_in_p2(star_mesh):
    basis = fem.space(star_mesh, 2)
    points = np.random.default_rng(0).uniform(-0.4, 0.4, (30, 2))

    def quadratic(x):
        return x[0] ** 2 - 3 * x[0] * x[1] + x[1]

    found = interpolate_quadratic(star_mesh, basis.element_dofs.astype(np.int64), quadratic(basis.doflocs), points)
    np.testing.assert_allclose(found, quadratic(points.T), atol=1e-12)


def test_there_and_back_again_loses_second_order_in_the_spacing():
    generator, losses = np.random.default_rng(3), []
    domain = random_star(generator)
    for spacing in (0.2, 0.1, 0.05):
        one, other = (triangulate(domain, spacing, generator) for _ in range(2))
        values = np.cos(2 * one.points[:, 0]) * np.sin(one.points[:, 1])
        middle = np.hypot(*one.points.T) < 0.6
        there = interpolate(one, values, other.points, outside=0.0)
        losses.append(np.sqrt(np.mean((interpolate(other, there, one.points)[middle] - values[middle]) ** 2)))
    assert losses[0] / losses[2] == pytest.approx(16, rel=0.5)


STRETCHES = {
    "thin cells": lambda points: points * [1.0, 0.01],
    "a boundary layer": lambda points: np.stack([points[:, 0], np.expm1(6 * points[:, 1]) / np.expm1(6)], axis=1),
    "a corner of tiny cells": lambda points: points**4,
}


@pytest.mark.parametrize("stretch", STRETCHES.values(), ids=STRETCHES)
def test_no_point_of_a_graded_mesh_is_missed(make_square, stretch):
    even = make_square(5, distortion=0.2, seed=1)
    mesh = Mesh(stretch(even.points), even.triangles)
    cells = np.repeat(np.arange(len(mesh.triangles)), 3)
    weights = np.random.default_rng(0).dirichlet(np.ones(3), len(cells))
    points = np.einsum("pk,pkd->pd", weights, mesh.points[mesh.triangles[cells]])
    place = locate(mesh, points)
    assert place.inside.all()
    at = np.einsum("pk,pkd->pd", place.barycentric, mesh.points[mesh.triangles[place.cells]])
    np.testing.assert_allclose(at, points, atol=1e-9)
    outside = locate(mesh, mesh.points.max(axis=0) + np.array([[0.5, 0.0], [0.0, 1e-6]]))
    assert not outside.inside.any()
