import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.gridml.domains import random_star, triangulate
from medsuite.gridml.mesh import Mesh, MeshError, repair, split_quadrilaterals

POINTS = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
CELLS = np.array([[0, 1, 2], [0, 2, 3]])


def test_the_square_of_two_triangles_has_the_measures_one_computes_by_hand():
    mesh = Mesh(POINTS, CELLS)
    assert mesh.areas.tolist() == [0.5, 0.5]
    np.testing.assert_allclose(mesh.measure, [1 / 3, 1 / 6, 1 / 3, 1 / 6])
    assert mesh.edges.tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [2, 3]]
    assert mesh.boundary_facets.tolist() == [[0, 1], [0, 3], [1, 2], [2, 3]]
    assert mesh.on_boundary.all()
    assert mesh.report()["smallest angle"] == pytest.approx(45.0)
    assert mesh.report()["components"] == 1


@pytest.mark.parametrize(
    ("points", "cells", "message"),
    [
        (POINTS, np.array([[0, 2, 1], [0, 2, 3]]), "inverted cells: 1 (first at index 0)"),
        (POINTS, np.array([[0, 1, 2]]), "nodes that belong to no cell: 1 (first at index 3)"),
        (POINTS, np.array([[0, 1, 7]]), "a node that does not exist: 1 (first at index 0)"),
        (np.vstack([POINTS, POINTS[:1]]), np.array([[0, 1, 2], [4, 2, 3]]), "coincide with an earlier one: 1"),
        (np.array([[0.0, 0], [1, 0], [2, 0]]), np.array([[0, 1, 2]]), "cells without area: 1"),
        (np.where(POINTS == 1, np.nan, POINTS), CELLS, "not finite: 3 (first at index 1)"),
        (np.empty((0, 2)), np.empty((0, 3), dtype=np.int64), "0 nodes and 0 cells"),
    ],
)
def test_a_faulty_mesh_is_refused_with_the_count_and_the_first_index(points, cells, message):
    with pytest.raises(MeshError) as caught:
        Mesh(points, cells)
    assert message in str(caught.value)
    assert isinstance(caught.value, InputError)


def test_a_side_shared_by_three_cells_is_refused():
    points = np.array([[0.0, 0], [1, 0], [0.5, 1], [0.5, -1], [0.5, 2]])
    with pytest.raises(MeshError, match="shared by more than two cells"):
        Mesh(points, np.array([[0, 1, 2], [1, 0, 3], [0, 1, 4]]))


def test_repair_merges_turns_and_drops_until_the_mesh_is_the_square_again():
    points = np.vstack([POINTS, POINTS[:1], [[9.0, 9.0]]])
    cells = np.array([[0, 2, 1], [4, 2, 3], [0, 0, 1]])
    mesh = repair(points, cells)
    assert mesh.node_count == 4
    assert mesh.areas.tolist() == [0.5, 0.5]


def test_the_cut_of_a_quadrilateral_is_its_shorter_diagonal_and_no_edge():
    points = np.array([[0.0, 0.0], [2.0, 0.0], [2.5, 1.0], [0.5, 1.0]])
    mesh = split_quadrilaterals(points, np.empty((0, 3), dtype=np.int64), np.array([[0, 1, 2, 3]]))
    assert mesh.areas.sum() == pytest.approx(2.0)
    assert mesh.diagonals.tolist() == [[1, 3]]
    assert mesh.edges.tolist() == [[0, 1], [0, 3], [1, 2], [2, 3]]


def test_the_fingerprint_tells_meshes_and_node_orders_apart():
    mesh = Mesh(POINTS, CELLS)
    assert mesh.fingerprint == Mesh(POINTS.copy(), CELLS.copy()).fingerprint
    assert mesh.fingerprint != Mesh(POINTS, CELLS[::-1]).fingerprint


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), spacing=st.floats(0.1, 0.4))
def test_any_random_domain_gets_a_mesh_of_its_polygon(seed, spacing):
    generator = np.random.default_rng(seed)
    domain = random_star(generator)
    mesh, ring = triangulate(domain, spacing, generator), domain.ring(spacing)
    x, y = ring.T
    polygon = 0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))
    assert mesh.areas.sum() == pytest.approx(polygon, rel=1e-9)
    assert len(mesh.boundary_facets) == len(ring)
    assert mesh.report()["components"] == 1


def test_a_spacing_that_makes_no_mesh_is_refused():
    generator = np.random.default_rng(0)
    with pytest.raises(InputError, match="a spacing of 0"):
        triangulate(random_star(generator), 0.0, generator)
