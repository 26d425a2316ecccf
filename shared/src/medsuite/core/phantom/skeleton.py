"""Ribs, spine, clavicles, scapulae and humeral heads of a batch of patients."""

import numpy as np
from jaxtyping import Float

from medsuite.core.phantom import organs
from medsuite.core.phantom.materials import replacing
from medsuite.core.phantom.organs import Value
from medsuite.core.phantom.solids import Ellipsoids, Tubes, chain, ellipsoids, join

CORTEX = replacing("cortical bone", "soft tissue")
SPONGY = replacing("spongy bone", "soft tissue")
RIBS = 12
VERTEBRAE = 16

_SIDES = np.array([-1.0, 1.0])
_DROP = np.array([0.42, 0.62, 0.8, 0.92, 1.0, 1.04, 1.06, 1.04, 1.0, 0.9, 0.62, 0.42])
_END = np.deg2rad([158, 160, 158, 155, 152, 149, 145, 139, 130, 122, 100, 80])
_REACH = np.array([0.74, 0.92, 0.98, *[1.0] * 9])


def _points(x: Value, y: Value, z: Value) -> Float[np.ndarray, "*shape 3"]:
    return np.stack(np.broadcast_arrays(x, y, z), -1).astype(float)


def _tall(body: np.ndarray, dimensions: int) -> np.ndarray:
    return body.reshape(-1, *[1] * dimensions)


def vertebra_heights(body: np.ndarray) -> Float[np.ndarray, "film vertebra"]:
    """Return z of the vertebral bodies in mm; index k is the k-th thoracic vertebra, index 0 the last cervical."""
    tall = _tall(body, 1)
    return tall["vertebra_first"] - (np.arange(VERTEBRAE) - 1) * tall["vertebra_pitch"]


def spine_positions(body: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return x of the middle of the spine, a gentle curve."""
    return body["spine_curve"] * np.sin(z / 65)


def rib_angles(body: np.ndarray, points: int = 14) -> Float[np.ndarray, "film side rib point"]:
    """Return the angles in radians at which each rib is sampled; a fracture moves two of them to its edges."""
    share = np.linspace(0, 1, points)
    angles = np.broadcast_to(0.17 + (_END[:, None] - 0.17) * share, (len(body), 2, RIBS, points)).copy()
    for film in np.flatnonzero(body["fracture_rib"] > 0):
        side, rib, middle, half = _fracture(body[film])
        before = int(np.clip(np.searchsorted(angles[film, side, rib], middle) - 1, 1, points - 3))
        angles[film, side, rib, before : before + 2] = middle - half, middle + half
    return angles


def _fracture(body: np.void) -> tuple[int, int, float, float]:
    """Return side, rib index, angle of the middle of a fracture, and half the angle of its gap."""
    half = 0.5 * float(body["fracture_gap"]) / (0.8 * float(body["lung_lateral_left"]))
    return int(body["fracture_left"]), int(body["fracture_rib"]) - 1, float(np.deg2rad(body["fracture_at"])), half


def rib_points(body: np.ndarray, angles: np.ndarray) -> Float[np.ndarray, "film side rib point 3"]:
    """Return points on the axes of the ribs, which run around the lungs and fall towards the front.

    Args:
        body: Patients, shape `(film,)`.
        angles: Angles in radians, 0 at the spine, π/2 at the lateral wall, shape `(film, side, rib, point)`.
    """
    tall = _tall(body, 3)
    heads = vertebra_heights(body)[:, None, 1 : RIBS + 1, None]
    fall = 0.5 * (1 - np.cos(angles)) - 0.10 * np.sin(2 * angles) * (angles < np.pi / 2)
    z = heads - tall["rib_drop"] * _DROP[:, None] * fall
    sides = _SIDES[:, None, None]
    wall = organs.lung(tall, sides, np.clip(z, tall["lung_base"] + 40, tall["lung_apex"] - 12))
    outer = (np.abs(wall.centre_x) + wall.half_width + 3) * _REACH[:, None]
    x = sides * outer * np.sin(angles) + spine_positions(tall, z) * np.cos(angles) ** 2
    y = -4 - (tall["lung_half_depth"] + 4) * np.cos(angles) * np.minimum(1, outer / 110)
    return _points(x, y, z)


def ribs(body: np.ndarray) -> Tubes:
    """Return the ribs as shells of cortex around spongy bone; they get thinner and less dense to the front."""
    angles = rib_angles(body)
    points = rib_points(body, angles)
    middle = 0.5 * (angles[..., 1:] + angles[..., :-1])
    front = np.clip((middle - 1.7) / 1.0, 0, 1)
    strength = _tall(body, 3)["bone_density"] * (1 - 0.5 * front)
    for film in np.flatnonzero(body["fracture_rib"] > 0):
        side, rib, at, _ = _fracture(body[film])
        beyond = (angles[film, side, rib] - at) * body["lung_lateral_left"][film]
        points[film, side, rib, :, 2] -= body["fracture_step"][film] * np.exp(-beyond / 30) * (beyond > 0)
        strength[film, side, rib, np.abs(middle[film, side, rib] - at) < 1e-9] = 0
    films = np.arange(len(body))[:, None, None]
    radius = _tall(body, 3)["rib_half_height"] * np.where(np.arange(RIBS) > 9, 0.8, 1.0)[:, None]
    flatness = _tall(body, 3)["rib_half_depth"] / _tall(body, 3)["rib_half_height"]
    shell = chain(points, radius, CORTEX * strength, film=films, flatness=flatness)
    core = chain(points, 0.76 * radius, (SPONGY - CORTEX) * strength, film=films, flatness=0.9 * flatness)
    return join([shell, core])


def spine(body: np.ndarray) -> tuple[Tubes, Ellipsoids]:
    """Return vertebral bodies with their end plates, and pedicles, spinous and transverse processes."""
    film, tall, z = np.arange(len(body))[:, None], _tall(body, 1), vertebra_heights(body)
    x, density, half = spine_positions(tall, z), tall["bone_density"], tall["spine_half_width"]

    def column(offset: float, thickness: float, radius: np.ndarray, delta: float, y: float) -> Tubes:
        ends = [_points(x, y, z + offset + step) for step in (0.5 * thickness, -0.5 * thickness)]
        return chain(np.stack(ends, -2), radius[..., None], (density * delta)[..., None], film=film, flatness=0.85)

    bodies = [
        column(0.0, 18.0, half, 0.5 * SPONGY, -58.0),
        column(8.2, 1.8, half * 1.03, 0.08 * CORTEX, -58.0),
        column(-8.2, 1.8, half * 1.03, 0.08 * CORTEX, -58.0),
    ]
    sides = _SIDES * (half - 6)[..., None]
    pedicles = _points(x[..., None] + sides, -78.0, z[..., None] + 3)
    pair, wide = film[..., None], density[..., None]
    process = [
        _points(x[..., None] + _SIDES * at, y, z[..., None] + up) for at, y, up in ((15, -84.0, 4), (36, -94.0, 7))
    ]
    small = [
        ellipsoids(pedicles, (3.6, 7.0, 5.6), 0.6 * CORTEX * wide, film=pair),
        ellipsoids(pedicles, (2.3, 7.0, 4.2), 0.6 * (SPONGY - CORTEX) * wide, film=pair),
        ellipsoids(_points(x, -100.0, z - 9), (2.8, 11.0, 7.5), 0.3 * CORTEX * density, film=film),
    ]
    arms = chain(np.stack(process, -2), 4.2, 0.25 * CORTEX * wide[..., None], film=pair)
    return join([*bodies, arms]), join(small)


def shoulders(body: np.ndarray) -> tuple[Tubes, Ellipsoids]:
    """Return clavicles, scapulae, humeral heads and the manubrium."""
    film, tall, sides = np.arange(len(body))[:, None], _tall(body, 2), _SIDES[:, None]
    share = np.linspace(0, 1, 9)
    rise = tall["clavicle_rise"] * share + 5 * np.sin(2 * np.pi * share)
    clavicle = _points(sides * (17 + 140 * share), 78 - 75 * share**1.5, tall["clavicle"] + rise)
    thickness = 5.6 + 1.8 * np.abs(2 * share[1:] - 1.1) ** 2
    density = tall["bone_density"]
    tubes = [
        chain(clavicle, thickness, CORTEX * density, film=film),
        chain(clavicle, 0.72 * thickness, (SPONGY - CORTEX) * density, film=film),
    ]
    outline = np.array([[6, 118], [-3, 70], [-17, 8]]), np.array([[24, 132], [2, 108], [-24, 96]])
    for corners in outline:
        border = _points(sides * (tall["scapula_x"] + corners[:, 0]), -92.0, corners[:, 1] + 0 * density)
        tubes.append(chain(border, 3.4, 0.35 * CORTEX * density, film=film))
    single, side = film, _SIDES
    x, density = _tall(body, 1)["scapula_x"], _tall(body, 1)["bone_density"]
    solids = [
        ellipsoids(_points(side * x, -92.0, 66.0), (22.0, 2.0, 60.0), CORTEX * density, film=single, roll=-0.24 * side),
        ellipsoids(_points(side * (x + 40), -10.0, 118.0), (25.0, 25.0, 26.0), 0.9 * SPONGY * density, film=single),
        ellipsoids(_points(side * (x + 40), -10.0, 118.0), (25.0, 25.0, 26.0), 0.10 * CORTEX * density, film=single),
        ellipsoids(_points(0 * side, 92.0, 98 + 0 * x), (11.0, 6.0, 24.0), 0.5 * SPONGY * density, film=single),
    ]
    return join(tubes), join(solids)
