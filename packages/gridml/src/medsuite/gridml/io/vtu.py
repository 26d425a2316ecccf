"""Meshes and cases as VTU files (VTK unstructured grid, XML), through meshio.

A case is a mesh of triangles (and quadrilaterals) with its inputs as point data, its solution as point data `u`, and
its boundary as line cells whose cell data are `boundary_kind` (see `KIND_CODES`), `boundary_value` and `boundary_rate`.
"""

from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError
from medsuite.gridml.case import BOUNDARY_KINDS, BoundaryTag, Case, whole_boundary
from medsuite.gridml.mesh import Mesh, split_quadrilaterals

KIND_CODES = {kind: code for code, kind in enumerate(BOUNDARY_KINDS)}
TARGET = "u"
PLANAR_TOLERANCE = 1e-9


def _open(path: Path) -> Any:
    import meshio

    if path.is_dir():
        raise InputError(f"{path} is a folder", expected="a .vtu file")
    if not path.is_file():
        raise InputError(f"{path} does not exist", expected="a .vtu file")
    try:
        # meshio prints its own complaint, which the error repeats.
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            return meshio.read(path)
    except SystemExit as error:  # meshio ends the process on formats that it cannot place
        raise InputError(
            f"{path} cannot be read", expected="a mesh file whose ending tells its format, such as .vtu"
        ) from error
    except Exception as error:
        raise InputError(f"{path} cannot be read as a mesh: {error}", expected="a complete .vtu file") from error


def read_mesh(path: Path) -> Mesh:
    """Read the triangles and quadrilaterals of a planar mesh.

    Raises:
        InputError: The file is missing, cut or of another kind; cells of other types; points out of the plane z = 0.
        MeshError: The mesh is not usable as it is.
    """
    return _mesh(_open(path), path)


def _mesh(data: Any, path: Path) -> Mesh:
    points = np.asarray(data.points, dtype=np.float64)
    if points.shape[1] == 3:
        if len(points) and np.abs(points[:, 2]).max() > PLANAR_TOLERANCE * np.ptp(points):
            raise InputError(f"{path} has points out of the plane z = 0", expected="a planar mesh")
        points = points[:, :2]
    foreign = {block.type for block in data.cells} - {"triangle", "quad", "line", "vertex"}
    if foreign:
        raise InputError(
            f"{path} has cells of type {', '.join(sorted(foreign))}", expected="triangles and quadrilaterals"
        )
    triangles, quadrilaterals = _cells(data, "triangle", 3), _cells(data, "quad", 4)
    if len(quadrilaterals):
        return split_quadrilaterals(points, triangles, quadrilaterals)
    return Mesh(points, triangles)


def _cells(data: Any, kind: str, corners: int) -> np.ndarray:
    blocks = [block.data for block in data.cells if block.type == kind]
    return np.concatenate(blocks).astype(np.int64) if blocks else np.empty((0, corners), dtype=np.int64)


def read_case(path: Path) -> Case:
    """Read a case; boundary facets without a line cell get the kind `"unknown"`.

    Raises:
        InputError: See `read_mesh`; or a field has values that are not finite, or a line cell is no boundary facet.
    """
    data = _open(path)
    mesh = _mesh(data, path)
    fields = {name: np.asarray(values, dtype=np.float64) for name, values in data.point_data.items()}
    for name, values in fields.items():
        if values.ndim != 1:
            raise InputError(f"{path}: point data {name!r} has {values.shape[1]} components", expected="scalar fields")
    target = fields.pop(TARGET, None)
    return Case(mesh, fields, _boundary(data, mesh, path), target, path.stem)


def _boundary(data: Any, mesh: Mesh, path: Path) -> tuple[BoundaryTag, ...]:
    lines = _cells(data, "line", 2)
    if not len(lines) or "boundary_kind" not in data.cell_data:
        return whole_boundary(mesh, "unknown")
    facets = _facet_numbers(lines, mesh, path)
    columns = {
        name: _line_data(data, name, len(lines)) for name in ("boundary_kind", "boundary_value", "boundary_rate")
    }
    table = np.stack([columns["boundary_kind"], columns["boundary_rate"]], axis=1)
    tags = []
    for code, rate in np.unique(table, axis=0):
        if code not in KIND_CODES.values():
            raise InputError(f"{path}: boundary_kind {code:g}", expected=f"one of {KIND_CODES}")
        chosen = (table == (code, rate)).all(axis=1)
        kind = BOUNDARY_KINDS[int(code)]
        tags.append(BoundaryTag(kind, kind, facets[chosen], columns["boundary_value"][chosen], float(rate)))
    rest = np.setdiff1d(np.arange(len(mesh.boundary_facets)), facets)
    return (*tags, BoundaryTag("untagged", "unknown", rest)) if len(rest) else tuple(tags)


def _facet_numbers(lines: np.ndarray, mesh: Mesh, path: Path) -> np.ndarray:
    weights = np.array([mesh.node_count, 1])
    keys, wanted = mesh.boundary_facets @ weights, np.sort(lines, axis=1) @ weights
    position = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    strangers = keys[position] != wanted
    if strangers.any():
        raise InputError(f"{path}: line cell {lines[strangers][0]} is no boundary facet of the mesh")
    return position


def _line_data(data: Any, name: str, lines: int) -> Float[np.ndarray, " lines"]:
    if name not in data.cell_data:
        return np.zeros(lines)
    blocks = zip(data.cells, data.cell_data[name], strict=True)
    return np.concatenate([np.asarray(values, dtype=np.float64) for block, values in blocks if block.type == "line"])


def write_case(path: str | Path, case: Case, fields: Mapping[str, Float[np.ndarray, " nodes"]] | None = None) -> None:
    """Write a case, with further nodal fields such as a prediction.

    Facet values that a function prescribes are written as their means over the facet's ends.

    Raises:
        InputError: The path does not end in `.vtu`.
    """
    import meshio

    if Path(path).suffix.lower() != ".vtu":
        raise InputError(f"{Path(path).name} does not end in .vtu", expected="the name of a VTU file")
    mesh, lines = case.mesh, case.mesh.boundary_facets
    columns = {name: np.zeros(len(lines)) for name in ("boundary_kind", "boundary_value", "boundary_rate")}
    for tag in case.boundary:
        columns["boundary_kind"][tag.facets] = KIND_CODES[tag.kind]
        columns["boundary_value"][tag.facets] = _facet_means(tag, mesh)
        columns["boundary_rate"][tag.facets] = tag.rate
    point_data = {**case.inputs, **({} if case.target is None else {TARGET: case.target}), **(fields or {})}
    filler = np.zeros(len(mesh.triangles))
    meshio.Mesh(
        np.column_stack([mesh.points, np.zeros(mesh.node_count)]),
        [("triangle", mesh.triangles), ("line", lines)],
        point_data=dict(point_data),
        cell_data={name: [filler, values] for name, values in columns.items()},
    ).write(path, file_format="vtu")


def _facet_means(tag: BoundaryTag, mesh: Mesh) -> Float[np.ndarray, " facets"]:
    if callable(tag.value):
        ends = mesh.points[mesh.boundary_facets[tag.facets]].transpose(2, 0, 1)
        return np.asarray(tag.value(ends), dtype=np.float64).mean(axis=1)
    return np.broadcast_to(np.asarray(tag.value, dtype=np.float64), len(tag.facets))
