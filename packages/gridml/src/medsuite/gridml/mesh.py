"""A triangle mesh in the plane: frozen arrays, checked once, with the measures that every method needs."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from medsuite.core.errors import InputError

DUPLICATE_TOLERANCE = 1e-12  # of the bounding box's diagonal


class MeshError(InputError):
    """A mesh cannot be used as it is: inverted or empty cells, nodes that coincide or belong to no cell."""


def signed_areas(
    points: Float[np.ndarray, "nodes 2"], triangles: Int[np.ndarray, "cells 3"]
) -> Float[np.ndarray, " cells"]:
    """Return the area of each triangle, negative where its corners run clockwise."""
    first, second, third = (points[triangles[:, corner]] for corner in range(3))
    along, across = second - first, third - first
    return 0.5 * (along[:, 0] * across[:, 1] - along[:, 1] * across[:, 0])


def unique_edges(triangles: Int[np.ndarray, "cells 3"]) -> tuple[Int[np.ndarray, "edges 2"], Int[np.ndarray, " edges"]]:
    """Return each side of a triangle once, lower index first, with the number of triangles that share it."""
    sides = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges, counts = np.unique(np.sort(sides, axis=1), axis=0, return_counts=True)
    return edges, counts


def _no_diagonals() -> Int[np.ndarray, "diagonals 2"]:
    return np.empty((0, 2), dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Mesh:
    """A conforming mesh of positively oriented triangles.

    Attributes:
        points: Node coordinates in double precision.
        triangles: Corner nodes of each cell, anticlockwise.
        diagonals: Sides of triangles that stand inside a split quadrilateral: used by quadrature, no edge of the graph.

    Raises:
        MeshError: Empty, not finite, an index out of range, an inverted or flat cell, coinciding nodes, a node in no
            cell, or a side shared by more than two cells; with the count and the first index. See `repair`.
    """

    points: Float[np.ndarray, "nodes 2"]
    triangles: Int[np.ndarray, "cells 3"]
    diagonals: Int[np.ndarray, "diagonals 2"] = field(default_factory=_no_diagonals)

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", np.asarray(self.points, dtype=np.float64))
        object.__setattr__(self, "triangles", np.asarray(self.triangles, dtype=np.int64))
        _check_arrays(self.points, self.triangles)
        _check_geometry(self.points, self.triangles)

    @property
    def node_count(self) -> int:
        """Number of nodes."""
        return len(self.points)

    @cached_property
    def areas(self) -> Float[np.ndarray, " cells"]:
        """Area of each cell."""
        return signed_areas(self.points, self.triangles)

    @cached_property
    def measure(self) -> Float[np.ndarray, " nodes"]:
        """Lumped mass: a third of the area of the cells around each node; sums to the area of the domain."""
        thirds = np.repeat(self.areas / 3.0, 3)
        return np.bincount(self.triangles.ravel(), weights=thirds, minlength=self.node_count)

    @cached_property
    def edges(self) -> Int[np.ndarray, "edges 2"]:
        """Each true cell edge once, lower index first; diagonals of split quadrilaterals left out."""
        edges, _ = unique_edges(self.triangles)
        if not len(self.diagonals):
            return edges
        keys = edges @ np.array([self.node_count, 1])
        diagonal_keys = np.sort(self.diagonals, axis=1) @ np.array([self.node_count, 1])
        return edges[~np.isin(keys, diagonal_keys)]

    @cached_property
    def boundary_facets(self) -> Int[np.ndarray, "facets 2"]:
        """Sides that belong to one cell only, lower index first, in lexicographic order."""
        edges, counts = unique_edges(self.triangles)
        return edges[counts == 1]

    @cached_property
    def on_boundary(self) -> Bool[np.ndarray, " nodes"]:
        """Whether each node stands on the boundary."""
        mask = np.zeros(self.node_count, dtype=bool)
        mask[self.boundary_facets] = True
        return mask

    @cached_property
    def fingerprint(self) -> str:
        """Hash of coordinates and cells: equal only for the same nodes in the same order."""
        digest = hashlib.sha256(self.points.tobytes())
        digest.update(self.triangles.tobytes())
        return digest.hexdigest()[:16]

    def report(self) -> dict[str, float]:
        """Return what a person looks at first: sizes, area, components, edge lengths, smallest angle (degrees)."""
        adjacency = coo_array((np.ones(len(self.edges)), self.edges.T), shape=(self.node_count,) * 2)
        lengths = np.linalg.norm(self.points[self.edges[:, 0]] - self.points[self.edges[:, 1]], axis=1)
        return {
            "nodes": self.node_count,
            "cells": len(self.triangles),
            "boundary facets": len(self.boundary_facets),
            "components": int(connected_components(adjacency, directed=False)[0]),
            "area": float(self.areas.sum()),
            "shortest edge": float(lengths.min()),
            "longest edge": float(lengths.max()),
            "smallest angle": float(_corner_angles(self.points, self.triangles).min()),
        }


def _corner_angles(
    points: Float[np.ndarray, "nodes 2"], triangles: Int[np.ndarray, "cells 3"]
) -> Float[np.ndarray, "cells 3"]:
    angles = np.empty(triangles.shape)
    for corner in range(3):
        here, right, left = (points[triangles[:, (corner + step) % 3]] for step in range(3))
        one, other = right - here, left - here
        cross = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
        angles[:, corner] = np.degrees(np.arctan2(np.abs(cross), (one * other).sum(axis=1)))
    return angles


def _first(mask: Any) -> str:
    found = np.flatnonzero(mask)
    return f"{len(found)} (first at index {found[0]})"


def _check_arrays(points: Float[np.ndarray, "nodes 2"], triangles: Int[np.ndarray, "cells 3"]) -> None:
    if not len(points) or not len(triangles):
        raise MeshError(
            f"the mesh has {len(points)} nodes and {len(triangles)} cells", expected="at least one triangle"
        )
    infinite = np.asarray(~np.isfinite(points)).any(axis=1)
    if infinite.any():
        raise MeshError(f"node coordinates that are not finite: {_first(infinite)}")
    outside = ((triangles < 0) | (triangles >= len(points))).any(axis=1)
    if outside.any():
        raise MeshError(
            f"cells that name a node that does not exist: {_first(outside)}",
            expected=f"indices from 0 to {len(points) - 1}",
        )


def _check_geometry(points: Float[np.ndarray, "nodes 2"], triangles: Int[np.ndarray, "cells 3"]) -> None:
    areas, diagonal = signed_areas(points, triangles), np.ptp(points, axis=0)
    flat = np.abs(areas) <= 1e-14 * float(diagonal @ diagonal)
    used = np.zeros(len(points), dtype=bool)
    used[triangles] = True
    faults: dict[str, np.ndarray] = {
        "cells without area": flat,
        "inverted cells": np.logical_and(areas < 0, ~flat),
        "nodes that belong to no cell": ~used,
        "nodes that coincide with an earlier one": _duplicates(points) != np.arange(len(points)),
        "sides shared by more than two cells": unique_edges(triangles)[1] > 2,
    }
    for name, mask in faults.items():
        if mask.any():
            raise MeshError(f"{name}: {_first(mask)}", fix="mend the mesh with gridml.repair(points, triangles)")


def _duplicates(points: Float[np.ndarray, "nodes 2"]) -> Int[np.ndarray, " nodes"]:
    """Return for each node the lowest index of a node at the same place."""
    radius = DUPLICATE_TOLERANCE * float(np.linalg.norm(np.ptp(points, axis=0)))
    representative = np.arange(len(points))
    pairs = KDTree(points).query_pairs(radius, output_type="ndarray")
    if len(pairs):
        graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(points),) * 2)
        _, label = connected_components(graph, directed=False)
        _, first = np.unique(label, return_index=True)
        representative = first[label]
    return representative


def repair(points: Float[np.ndarray, "nodes 2"], triangles: Int[np.ndarray, "cells 3"]) -> Mesh:
    """Merge coinciding nodes, drop flat cells and unused nodes, and turn inverted cells round.

    Raises:
        MeshError: What is left is still no mesh.
    """
    points = np.asarray(points, dtype=np.float64)
    _check_arrays(points, triangles)
    corners = _duplicates(points)[triangles]
    extent = np.ptp(points, axis=0)
    areas = signed_areas(points, corners)
    kept = np.abs(areas) > 1e-14 * float(extent @ extent)
    corners = np.where(areas[:, None] < 0, corners[:, [0, 2, 1]], corners)[kept]
    nodes, renumbered = np.unique(corners, return_inverse=True)
    return Mesh(points[nodes], renumbered.reshape(-1, 3))


def split_quadrilaterals(
    points: Float[np.ndarray, "nodes 2"],
    triangles: Int[np.ndarray, "cells 3"],
    quadrilaterals: Int[np.ndarray, "quads 4"],
) -> Mesh:
    """Build a mesh of triangles and quadrilaterals, each of the latter cut along its shorter diagonal.

    The cut serves quadrature and assembly; it is no edge of the graph.
    """
    corners = points[quadrilaterals]
    first_diagonal = np.linalg.norm(corners[:, 0] - corners[:, 2], axis=1)
    second_diagonal = np.linalg.norm(corners[:, 1] - corners[:, 3], axis=1)
    rolled = np.where((first_diagonal <= second_diagonal)[:, None], quadrilaterals, np.roll(quadrilaterals, -1, axis=1))
    halves = np.concatenate([triangles, rolled[:, [0, 1, 2]], rolled[:, [0, 2, 3]]])
    return Mesh(points, halves.astype(np.int64), np.sort(rolled[:, [0, 2]], axis=1).astype(np.int64))
