"""Random star-shaped domains and their triangulations at any resolution."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import Delaunay, KDTree

from medsuite.core.errors import InputError
from medsuite.gridml.mesh import Mesh, signed_areas

MODES = np.arange(2, 5)
AMPLITUDE = 0.06
JITTER = 0.2  # of the spacing: a lattice that no network can recognise
CLEARANCE = 0.6  # of the spacing: how far interior nodes stay from the boundary


@dataclass(frozen=True, eq=False)
class StarDomain:
    """The set r < 1 + Σ_k (A_k cos kφ + B_k sin kφ), k = 2, 3, 4, in polar coordinates.

    Attributes:
        cosines: A_k.
        sines: B_k.
    """

    cosines: Float[np.ndarray, " modes"]
    sines: Float[np.ndarray, " modes"]

    def radius(self, angle: Float[np.ndarray, "*points"]) -> Float[np.ndarray, "*points"]:
        """Return the distance of the boundary from the origin at each angle (radians)."""
        phase = angle[..., None] * MODES
        return 1.0 + np.cos(phase) @ self.cosines + np.sin(phase) @ self.sines

    def contains(self, points: Float[np.ndarray, "points 2"]) -> Bool[np.ndarray, " points"]:
        """Say which points lie inside."""
        return np.hypot(*points.T) < self.radius(np.arctan2(points[:, 1], points[:, 0]))

    def ring(self, spacing: float) -> Float[np.ndarray, "ring 2"]:
        """Return boundary points that stand about `spacing` apart along the boundary, anticlockwise."""
        angle = np.linspace(0.0, 2 * np.pi, 4001)
        curve = self.radius(angle)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
        stations = np.linspace(0.0, length[-1], round(length[-1] / spacing) + 1)[:-1]
        at = np.interp(stations, length, angle)
        return self.radius(at)[:, None] * np.stack([np.cos(at), np.sin(at)], axis=1)


def random_star(generator: np.random.Generator) -> StarDomain:
    """Draw a domain with A_k, B_k ~ N(0, 0.06²); draws that pinch below half the radius are redrawn."""
    angle = np.linspace(0.0, 2 * np.pi, 400)
    while True:
        domain = StarDomain(*generator.normal(0.0, AMPLITUDE, (2, len(MODES))))
        if domain.radius(angle).min() > 0.5:
            return domain


def triangulate(domain: StarDomain, spacing: float, generator: np.random.Generator) -> Mesh:
    """Mesh a domain: a ring on the boundary, a jittered triangular lattice inside, Delaunay between them.

    Args:
        domain: What to mesh.
        spacing: Distance of neighbouring nodes.
        generator: Draws the jitter and the lattice's rotation.

    Raises:
        InputError: The spacing is not between 0 and 0.5.
    """
    if not 0.0 < spacing <= 0.5:
        raise InputError(f"a spacing of {spacing}", expected="a distance above 0 and at most 0.5 (the radius is 1)")
    ring = domain.ring(spacing)
    lattice = _rotated_lattice(spacing, generator)
    lattice = lattice[domain.contains(lattice)]
    lattice = lattice[KDTree(domain.ring(spacing / 8)).query(lattice)[0] > CLEARANCE * spacing]
    points = np.concatenate([ring, lattice])
    return Mesh(points, _cells_inside(points, len(ring)))


def _rotated_lattice(spacing: float, generator: np.random.Generator) -> Float[np.ndarray, "points 2"]:
    count = int(2.0 / spacing) + 2
    column, row = np.meshgrid(np.arange(-count, count + 1), np.arange(-count, count + 1))
    points = np.stack([column + 0.5 * (row % 2), row * np.sqrt(0.75)], axis=-1).reshape(-1, 2) * spacing
    turn = generator.uniform(0.0, np.pi / 3)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return points @ rotation.T + generator.uniform(-JITTER, JITTER, points.shape) * spacing


def _cells_inside(points: Float[np.ndarray, "nodes 2"], ring: int) -> Int[np.ndarray, "cells 3"]:
    """Return the Delaunay triangles within the polygon of the first `ring` nodes, anticlockwise."""
    triangles = Delaunay(points).simplices.astype(np.int64)
    areas = signed_areas(points, triangles)
    triangles = np.where(areas[:, None] < 0, triangles[:, [0, 2, 1]], triangles)
    # A triangle whose corners all stand on the ring, in clockwise order of the ring, lies outside the polygon.
    corners = triangles.copy()
    shifts = np.argmin(corners, axis=1)
    corners = corners[np.arange(len(corners))[:, None], (shifts[:, None] + np.arange(3)) % 3]
    outside = (triangles < ring).all(axis=1) & (corners[:, 1] > corners[:, 2])
    return triangles[~outside]
