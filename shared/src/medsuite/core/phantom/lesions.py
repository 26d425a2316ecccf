"""Lesions in the lung made of solids, each from the attributes of a finding."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from medsuite.core.phantom.anatomy import Anatomy
from medsuite.core.phantom.findings import Finding
from medsuite.core.phantom.solids import Domain, Ellipsoids, Tubes, chain, ellipsoids

Parts = list[Ellipsoids | Tubes]


@dataclass(frozen=True)
class Lesion:
    """A finding on its way into a film.

    Attributes:
        finding: Its attributes.
        anatomy: The patient.
        centre: Where to put it, mm.
        film: Index of the film in the batch.
        slot: Index of the finding in the batch, -1 to leave its difference unrecorded.
        rng: Source of the detail of its shape.
    """

    finding: Finding
    anatomy: Anatomy
    centre: Float[np.ndarray, "3"]
    film: int
    slot: int
    rng: np.random.Generator

    @property
    def radius(self) -> float:
        """Half of the size in mm."""
        return 0.5 * self.finding.size_mm

    def blobs(self, offset: np.ndarray, axes: np.ndarray, share: np.ndarray | float, roll: float = 0.0) -> Ellipsoids:
        """Make ellipsoids in the lung at offsets from the centre, with shares of the attenuation."""
        delta = share * self.finding.attenuation
        return ellipsoids(
            self.centre + offset, axes, delta, film=self.film, slot=self.slot, domain=Domain.AIR, roll=roll
        )

    def strands(self, points: np.ndarray, radius: np.ndarray | float, flatness: float = 1.0) -> Tubes:
        """Make tubes in the lung along polylines of absolute points."""
        delta = self.finding.attenuation
        return chain(points, radius, delta, film=self.film, slot=self.slot, domain=Domain.AIR, flatness=flatness)

    def wire(self, points: np.ndarray, radius: float, share: float = 1.0) -> Tubes:
        """Make a wire or catheter along absolute points, whatever it crosses."""
        return chain(points, radius, share * self.finding.attenuation, film=self.film, slot=self.slot)


def _directions(rng: np.random.Generator, count: int) -> Float[np.ndarray, "count 3"]:
    """Return random unit vectors, uniform on the sphere."""
    vectors = rng.standard_normal((count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _inside(lesion: Lesion, count: int, axes: np.ndarray) -> Float[np.ndarray, "count 3"]:
    """Return points uniform in an ellipsoid."""
    return axes * _directions(lesion.rng, count) * np.cbrt(lesion.rng.random((count, 1)))


def _filled(lesion: Lesion, offset: np.ndarray, axes: np.ndarray, roll: float = 0.0) -> Parts:
    """Fill one ellipsoid according to texture and margin."""
    if lesion.finding.texture == "stippled":
        return [lesion.blobs(offset + _inside(lesion, 40, 0.88 * axes), 0.13 * axes, 1.0)]
    if lesion.finding.texture == "patchy":
        grains = 0.22 + 0.24 * lesion.rng.random((22, 1))
        return [lesion.blobs(offset + _inside(lesion, 22, 0.75 * axes), grains * axes, 0.55)]
    if lesion.finding.margin == "ill-defined":
        shells = np.array([[1.0], [0.85], [0.7], [0.55]])
        return [lesion.blobs(offset + 0 * shells * axes, shells * axes, 0.25, roll)]
    return [lesion.blobs(offset[None], axes[None], 1.0, roll)]


def _spicules(lesion: Lesion) -> Parts:
    if lesion.finding.margin != "spiculated":
        return []
    way = _directions(lesion.rng, 26)[:, None]
    length = np.array([[0.8], [1.15], [1.5]]) * (0.85 + 0.3 * lesion.rng.random((26, 1, 1)))
    thick = np.array([0.09, 0.05]) * lesion.radius
    return [lesion.strands(lesion.centre + lesion.radius * length * way, thick)]


def _round(lesion: Lesion) -> Parts:
    return [*_filled(lesion, np.zeros(3), np.full(3, lesion.radius)), *_spicules(lesion)]


def _oval(lesion: Lesion) -> Parts:
    axes = lesion.radius * np.array([1.0, 0.75, 0.62])
    return [*_filled(lesion, np.zeros(3), axes, lesion.rng.uniform(0, np.pi)), *_spicules(lesion)]


def _lobulated(lesion: Lesion) -> Parts:
    lobes = 0.45 * lesion.radius * _directions(lesion.rng, 5) * [1, 0.5, 1]
    sizes = lesion.radius * (0.42 + 0.16 * lesion.rng.random((5, 1)))
    core = _filled(lesion, np.zeros(3), np.full(3, 0.62 * lesion.radius))
    return [*core, lesion.blobs(lobes, sizes * np.ones(3), 0.5), *_spicules(lesion)]


def _ring(lesion: Lesion) -> Parts:
    outer = np.full((1, 3), lesion.radius)
    thickness = 0.24 + 0.1 * lesion.rng.random()
    shift = 0.05 * lesion.radius * _directions(lesion.rng, 1)
    return [lesion.blobs(0 * outer, outer, 1.0), lesion.blobs(shift, (1 - thickness) * outer, -1.0)]


def _cloud(lesion: Lesion) -> Parts:
    count = 30
    offset = _inside(lesion, count, 0.68 * lesion.radius * np.array([1.0, 0.8, 0.8]))
    axes = lesion.radius * (0.2 + 0.25 * lesion.rng.random((count, 1))) * [1.15, 1.0, 0.9]
    return [lesion.blobs(offset, axes, 0.4)]


def _wedge(lesion: Lesion) -> Parts:
    """Widen from a tip near the hilum to a base at the pleura, as lung segments do."""
    share = np.linspace(0, 1, 9)[:, None]
    outward = np.array([np.sign(lesion.centre[0]), 0.0, lesion.rng.uniform(-0.6, 0.6)])
    outward /= np.linalg.norm(outward)
    offset = (share - 0.6) * 1.5 * lesion.radius * outward
    axes = lesion.radius * (0.12 + 0.5 * share) * [0.7, 1.0, 1.0]
    texture = 0.08 * lesion.radius * lesion.rng.standard_normal((9, 3))
    return [lesion.blobs(offset + texture, axes, 0.4)]


def _plate(lesion: Lesion) -> Parts:
    """Lay a thin sheet across the lung, seen on edge as a line."""
    share = np.linspace(-1, 1, 7)
    slope, sag = lesion.rng.uniform(-0.35, 0.35), lesion.rng.uniform(-0.08, 0.08)
    offset = np.stack([share, 0.1 * share, slope * share + sag * share**2], -1) * lesion.radius
    thick = 1.9 * (1 - 0.35 * np.abs(0.5 * (share[1:] + share[:-1])))
    return [lesion.strands(lesion.centre + offset, thick, flatness=0.3 * lesion.radius / 1.9)]


def _net(lesion: Lesion) -> Parts:
    """Tangle short thickened septa, with small nodes."""
    count = int(1.8 * lesion.finding.size_mm)
    start = _inside(lesion, count, lesion.radius * np.array([0.75, 0.6, 1.0]))
    way = _directions(lesion.rng, count) * [1, 0.4, 1] * lesion.rng.uniform(7, 20, (count, 1))
    bend = 2.5 * lesion.rng.standard_normal((count, 3))
    points = lesion.centre + np.stack([start, start + 0.5 * way + bend, start + way], 1)
    nodes = lesion.blobs(_inside(lesion, count // 2, lesion.radius * np.array([0.75, 0.6, 1.0])), np.full(3, 1.8), 1.0)
    return [lesion.strands(points, lesion.rng.uniform(1.1, 2.1, (count, 1))), nodes]


LESIONS: Mapping[str, Callable[[Lesion], Parts]] = MappingProxyType(
    {
        "round": _round,
        "oval": _oval,
        "lobulated": _lobulated,
        "ring": _ring,
        "cloud": _cloud,
        "wedge": _wedge,
        "plate": _plate,
        "net": _net,
    }
)
"""Builders of the shapes in aerated lung; the first three follow margin and texture, the others have their own."""
