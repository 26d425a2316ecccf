import meshio
import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.gridml.case import BoundaryTag, Case
from medsuite.gridml.io.vtu import read_case, read_mesh, write_case
from medsuite.gridml.mesh import MeshError


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


def test_a_missing_a_cut_and_a_foreign_file_are_named(tmp_path, star_mesh):
    with pytest.raises(InputError, match="does not exist"):
        read_mesh(tmp_path / "none.vtu")
    meshio.Mesh(star_mesh.points, [("triangle", star_mesh.triangles)]).write(tmp_path / "a.vtu")
    text = (tmp_path / "a.vtu").read_bytes()
    (tmp_path / "cut.vtu").write_bytes(text[: len(text) // 2])
    (tmp_path / "table.csv").write_text("x,y\n1,2\n")
    for name in ("cut.vtu", "table.csv"):
        with pytest.raises(InputError, match="cannot be read"):
            read_mesh(tmp_path / name)


def test_an_inverted_cell_and_a_vector_field_are_refused(tmp_path, star_mesh):
    meshio.Mesh(star_mesh.points, [("triangle", star_mesh.triangles[:, [0, 2, 1]])]).write(tmp_path / "a.vtu")
    with pytest.raises(MeshError, match="inverted cells"):
        read_mesh(tmp_path / "a.vtu")
    velocity = {"velocity": np.zeros((star_mesh.node_count, 3))}
    meshio.Mesh(star_mesh.points, [("triangle", star_mesh.triangles)], point_data=velocity).write(tmp_path / "b.vtu")
    with pytest.raises(InputError, match="'velocity' has 3 components"):
        read_case(tmp_path / "b.vtu")
