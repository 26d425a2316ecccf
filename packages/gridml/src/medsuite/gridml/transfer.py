"""Evaluation of finite element functions at arbitrary points: the way from one mesh to another."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import KDTree

from medsuite.gridml.mesh import Mesh

CANDIDATES = 24  # cells nearest by centroid that are searched first
TOLERANCE = 1e-10


@dataclass(frozen=True, eq=False)
class Location:
    """Where points stand in a mesh.

    Attributes:
        cells: Cell of each point; for a point outside, the nearest candidate.
        barycentric: Its coordinates there; negative entries outside.
        inside: Whether the mesh covers the point.
    """

    cells: Int[np.ndarray, " points"]
    barycentric: Float[np.ndarray, "points 3"]
    inside: Bool[np.ndarray, " points"]


def locate(mesh: Mesh, points: Float[np.ndarray, "points 2"]) -> Location:
    """Find the cell of each point: among those whose centroids are nearest, else among all that can reach it.

    O(points · log cells) on an even mesh; times the number of halvings between the largest and the smallest cell on a
    graded one, where a large cell may have many small ones nearer to a point inside it.
    """
    centroids = mesh.points[mesh.triangles].mean(axis=1)
    count = min(CANDIDATES, len(centroids))
    _, candidates = KDTree(centroids).query(points, k=count)
    candidates = np.asarray(candidates).reshape(len(points), count)
    coordinates = _barycentric(mesh, candidates, points)
    best = coordinates.min(axis=-1).argmax(axis=1)
    row = np.arange(len(points))
    cells, chosen = candidates[row, best], coordinates[row, best]
    missed = np.flatnonzero(chosen.min(axis=1) <= -TOLERANCE)
    if len(missed) and count < len(centroids):
        better, found = _search_all(mesh, centroids, points[missed])
        inside = found.min(axis=1) > -TOLERANCE
        cells[missed[inside]], chosen[missed[inside]] = better[inside], found[inside]
    return Location(cells, chosen, chosen.min(axis=1) > -TOLERANCE)


def _search_all(
    mesh: Mesh, centroids: Float[np.ndarray, "cells 2"], points: Float[np.ndarray, "points 2"]
) -> tuple[Int[np.ndarray, " points"], Float[np.ndarray, "points 3"]]:
    """Return the best cell of each point and its coordinates there, by cells of similar size at a time."""
    reach = np.linalg.norm(mesh.points[mesh.triangles] - centroids[:, None], axis=-1).max(axis=1)
    size = np.floor(np.log2(reach / reach.max())).astype(np.int64)
    cells, best = np.zeros(len(points), dtype=np.int64), np.full((len(points), 3), -np.inf)
    for members in (np.flatnonzero(size == value) for value in np.unique(size)):
        # A cell that holds a point has its centroid no farther away than its farthest corner.
        near = KDTree(centroids[members]).query_ball_point(points, reach[members].max() * (1 + TOLERANCE))
        owner = np.repeat(np.arange(len(points)), [len(found) for found in near])
        cell = members[np.concatenate(near).astype(np.int64)] if len(owner) else members[:0]
        coordinates = _barycentric(mesh, cell[:, None], points[owner])[:, 0]
        order = np.argsort(coordinates.min(axis=1), kind="stable")  # the best one of each point is written last
        better = order[coordinates[order].min(axis=1) > best[owner[order]].min(axis=1)]
        cells[owner[better]], best[owner[better]] = cell[better], coordinates[better]
    return cells, best


def _barycentric(
    mesh: Mesh, cells: Int[np.ndarray, "points candidates"], points: Float[np.ndarray, "points 2"]
) -> Float[np.ndarray, "points candidates 3"]:
    corners = mesh.points[mesh.triangles[cells]]
    edges = corners[:, :, 1:] - corners[:, :, :1]
    offset = points[:, None] - corners[:, :, 0]
    determinant = edges[..., 0, 0] * edges[..., 1, 1] - edges[..., 0, 1] * edges[..., 1, 0]
    second = (offset[..., 0] * edges[..., 1, 1] - offset[..., 1] * edges[..., 1, 0]) / determinant
    third = (edges[..., 0, 0] * offset[..., 1] - edges[..., 0, 1] * offset[..., 0]) / determinant
    return np.stack([1.0 - second - third, second, third], axis=-1)


def interpolate(
    mesh: Mesh, values: Float[np.ndarray, " nodes"], points: Float[np.ndarray, "points 2"], *, outside: float = np.nan
) -> Float[np.ndarray, " points"]:
    """Evaluate the P1 function with these nodal values; `outside` where the mesh does not reach."""
    place = locate(mesh, points)
    found = (values[mesh.triangles[place.cells]] * place.barycentric).sum(axis=1)
    return np.where(place.inside, found, outside)


def interpolate_quadratic(
    mesh: Mesh,
    element_dofs: Int[np.ndarray, "6 cells"],
    dofs: Float[np.ndarray, " dofs"],
    points: Float[np.ndarray, "points 2"],
    *,
    outside: float = np.nan,
) -> Float[np.ndarray, " points"]:
    """Evaluate a P2 function whose local degrees of freedom are corners, then midpoints of (01), (12), (02)."""
    place = locate(mesh, points)
    first, second, third = place.barycentric.T
    shapes = np.stack(
        [
            first * (2 * first - 1),
            second * (2 * second - 1),
            third * (2 * third - 1),
            4 * first * second,
            4 * second * third,
            4 * first * third,
        ]
    )
    found = (dofs[element_dofs[:, place.cells]] * shapes).sum(axis=0)
    return np.where(place.inside, found, outside)
