import meshio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.gridml.case import BOUNDARY_KINDS, BoundaryTag, Case, whole_boundary
from medsuite.gridml.domains import random_star, triangulate
from medsuite.gridml.io.vtu import read_case, read_mesh, write_case
from medsuite.gridml.mesh import Mesh, MeshError


def test_a_case_comes_back_with_fields_solution_and_typed_boundary(tmp_path, star_mesh):
    facets = np.arange(len(star_mesh.boundary_facets))
    boundary = (
        BoundaryTag("a", "dirichlet", facets[:5], np.linspace(0, 1, 5)),
        BoundaryTag("b", "robin", facets[5:9], 2.0, rate=3.0),
        BoundaryTag("c", "neumann", facets[9:], lambda x: x[0]),
    )
    x, y = star_mesh.points.T
    write_case(tmp_path / "a.vtu", Case(star_mesh, {"f": x, "a": y}, boundary, x * y), {"prediction": x + y})
    case = read_case(tmp_path / "a.vtu")
    assert case.mesh.fingerprint == star_mesh.fingerprint
    np.testing.assert_array_equal(case.inputs["prediction"], x + y)
    np.testing.assert_array_equal(case.target, x * y)
    tags = {tag.kind: tag for tag in case.boundary}
    np.testing.assert_array_equal(tags["dirichlet"].value, np.linspace(0, 1, 5))
    assert tags["robin"].rate == 3.0
    assert set(tags["robin"].value) == {2.0}
    middle = star_mesh.points[star_mesh.boundary_facets[9:], 0].mean(axis=1)
    np.testing.assert_allclose(tags["neumann"].value, middle)


def test_a_mesh_without_line_cells_has_a_boundary_of_unknown_kind(tmp_path, star_mesh):
    meshio.Mesh(star_mesh.points, [("triangle", star_mesh.triangles)]).write(tmp_path / "a.vtu")
    case = read_case(tmp_path / "a.vtu")
    assert [tag.kind for tag in case.boundary] == ["unknown"]
    assert case.target is None


def test_facets_that_no_line_names_are_tagged_unknown(tmp_path, star_mesh):
    lines = star_mesh.boundary_facets[:3]
    kinds = {"boundary_kind": [np.zeros(len(star_mesh.triangles)), np.zeros(3)]}
    meshio.Mesh(star_mesh.points, [("triangle", star_mesh.triangles), ("line", lines)], cell_data=kinds).write(
        tmp_path / "a.vtu"
    )
    case = read_case(tmp_path / "a.vtu")
    assert (case.boundary[0].kind, len(case.boundary[0].facets)) == ("dirichlet", 3)
    assert case.boundary[-1].kind == "unknown"


def test_quadrilaterals_are_split_and_their_diagonals_are_no_edges(tmp_path):
    points = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 0.5, 0]])
    meshio.Mesh(points, [("quad", [[0, 1, 2, 3]]), ("triangle", [[1, 4, 2]])]).write(tmp_path / "a.vtu")
    mesh = read_mesh(tmp_path / "a.vtu")
    assert len(mesh.triangles) == 3
    assert len(mesh.edges) == 6


@pytest.mark.parametrize(
    ("cells", "height", "message"),
    [
        ([("tetra", [[0, 1, 2, 3]])], 1.0, "out of the plane"),
        ([("triangle6", [[0, 1, 2, 3, 4, 5]])], 0.0, "cells of type triangle6"),
        ([("line", [[0, 1]])], 0.0, "6 nodes and 0 cells"),
    ],
)
def test_what_is_no_planar_mesh_of_triangles_is_refused(tmp_path, cells, height, message):
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, height], [0.5, 0, 0], [0.5, 0.5, 0], [0, 0.5, 0]])
    meshio.Mesh(points, cells).write(tmp_path / "a.vtu")
    with pytest.raises(InputError, match=message):
        read_mesh(tmp_path / "a.vtu")


def test_a_missing_a_cut_and_a_foreign_file_are_named_once(tmp_path, star_mesh, capfd):
    with pytest.raises(InputError, match="does not exist"):
        read_mesh(tmp_path / "none.vtu")
    meshio.Mesh(star_mesh.points, [("triangle", star_mesh.triangles)]).write(tmp_path / "a.vtu")
    text = (tmp_path / "a.vtu").read_bytes()
    (tmp_path / "cut.vtu").write_bytes(text[: len(text) // 2])
    (tmp_path / "table.csv").write_text("x,y\n1,2\n")
    (tmp_path / "empty.vtu").touch()
    capfd.readouterr()
    for name in ("cut.vtu", "table.csv", "empty.vtu"):
        with pytest.raises(InputError, match="cannot be read"):
            read_mesh(tmp_path / name)
    assert capfd.readouterr() == ("", ""), "the reader underneath says nothing of its own"


def test_an_inverted_cell_and_a_vector_field_are_refused(tmp_path, star_mesh):
    meshio.Mesh(star_mesh.points, [("triangle", star_mesh.triangles[:, [0, 2, 1]])]).write(tmp_path / "a.vtu")
    with pytest.raises(MeshError, match="inverted cells"):
        read_mesh(tmp_path / "a.vtu")
    velocity = {"velocity": np.zeros((star_mesh.node_count, 3))}
    meshio.Mesh(star_mesh.points, [("triangle", star_mesh.triangles)], point_data=velocity).write(tmp_path / "b.vtu")
    with pytest.raises(InputError, match="'velocity' has 3 components"):
        read_case(tmp_path / "b.vtu")


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_any_tagging_comes_back_facet_by_facet(tmp_path_factory, seed):
    generator = np.random.default_rng(seed)
    mesh = triangulate(random_star(generator), 0.4, generator)
    owner = generator.integers(len(BOUNDARY_KINDS), size=len(mesh.boundary_facets))
    boundary = tuple(
        BoundaryTag(kind, kind, np.flatnonzero(owner == code), generator.normal(size=int((owner == code).sum())))
        for code, kind in enumerate(BOUNDARY_KINDS)
    )
    path = tmp_path_factory.mktemp("tags") / "Ω 1.vtu"
    write_case(path, Case(mesh, {"ε": mesh.points[:, 0]}, boundary))
    read = read_case(path)
    assert read.name == "Ω 1"
    np.testing.assert_array_equal(read.inputs["ε"], mesh.points[:, 0])
    assert facet_by_facet(read) == facet_by_facet(Case(mesh, {}, boundary))


def facet_by_facet(case):
    return {
        int(facet): (tag.kind, float(value))
        for tag in case.boundary
        for facet, value in zip(tag.facets, np.broadcast_to(tag.value, len(tag.facets)), strict=True)
    }


@pytest.mark.parametrize(
    ("kind", "field", "message"),
    [
        (9.0, 0.0, "boundary_kind 9"),
        (0.5, 0.0, "boundary_kind 0.5"),
        (0.0, np.nan, "'f' has 1 values that are not finite"),
    ],
)
def test_an_unknown_kind_and_a_value_that_is_none_are_named(tmp_path, star_mesh, kind, field, message):
    lines = star_mesh.boundary_facets[:1]
    values = np.ones(star_mesh.node_count)
    values[0] = values[0] + field
    meshio.Mesh(
        star_mesh.points,
        [("triangle", star_mesh.triangles), ("line", lines)],
        point_data={"f": values},
        cell_data={"boundary_kind": [np.zeros(len(star_mesh.triangles)), np.array([kind])]},
    ).write(tmp_path / "a.vtu")
    with pytest.raises(InputError, match=message):
        read_case(tmp_path / "a.vtu")


def test_a_line_inside_the_mesh_is_no_boundary(tmp_path, star_mesh):
    inner = star_mesh.edges[~star_mesh.on_boundary[star_mesh.edges].any(axis=1)][:1]
    kinds = {"boundary_kind": [np.zeros(len(star_mesh.triangles)), np.zeros(1)]}
    meshio.Mesh(star_mesh.points, [("triangle", star_mesh.triangles), ("line", inner)], cell_data=kinds).write(
        tmp_path / "a.vtu"
    )
    with pytest.raises(InputError, match="is no boundary facet"):
        read_case(tmp_path / "a.vtu")


def test_coordinates_of_a_map_projection_keep_their_digits(tmp_path, star_mesh):
    far = Mesh(star_mesh.points + np.array([5e5, 4e6]), star_mesh.triangles)
    write_case(tmp_path / "a.vtu", Case(far, {}, whole_boundary(far, "dirichlet")))
    mesh = read_mesh(tmp_path / "a.vtu")
    np.testing.assert_array_equal(mesh.points, far.points)
    assert mesh.areas.sum() == pytest.approx(star_mesh.areas.sum(), rel=1e-8)
