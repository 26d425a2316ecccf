"""The attenuation at points in space: what `projection` integrates in closed form, point by point instead."""

import numpy as np
from jaxtyping import Bool, Float

from medsuite.core.phantom import organs
from medsuite.core.phantom.body import stack_bodies
from medsuite.core.phantom.chest import PLEURA_MM, lung_attenuation
from medsuite.core.phantom.materials import MATERIALS
from medsuite.core.phantom.projection import bones, soft_parts
from medsuite.core.phantom.scene import Scene
from medsuite.core.phantom.solids import Domain, Ellipsoids, Tubes, select


def attenuation(scene: Scene, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, " point"]:
    """Return the linear attenuation in 1/mm at points x, y, z in mm, from implicit equations.

    It shares no integral with the drawing, so summing it along rays checks the projection. Solids add up where they
    overlap, as they do in the films. O(points · solids near them): give points of one ray or one region at a time.

    Args:
        scene: A patient with findings.
        points: See `Anatomy` for the axes.
    """
    body = stack_bodies([scene.anatomy], [scene.disease()])
    x, y, z = points.T
    aerated, gas = _lung(body, x, y, z)
    soft, air = MATERIALS["soft tissue"], MATERIALS["air"]
    torso = organs.torso(body, z)
    front = torso.span(x).front
    skin = torso.contains(x, y) | ((y > front) & (y <= front + organs.breast(body, x, z)))
    value = np.where(skin, soft, 0.0)
    value = np.where(gas, value - soft + air, value)
    pleura = aerated & ~organs.collapsed_lung(body, x, z, line=PLEURA_MM).contains(x, y) & _collapsed(body, x)
    value = np.where(aerated & ~pleura, value - soft + lung_attenuation(body, x), value)
    for solids in (*bones(body), *soft_parts([scene], body, [[-1] * len(scene.findings)])):
        near = _near(solids, points)
        domain = near.domain
        acts = (domain == Domain.EVERYWHERE) | np.where(aerated[:, None], domain == Domain.AIR, domain == Domain.TISSUE)
        value = value + (near.contains(points) & acts) @ near.delta
    return value


def _near(solids: Tubes | Ellipsoids, points: np.ndarray) -> Tubes | Ellipsoids:
    """Return the solids whose outline comes near to the points."""
    centre, radius = solids.outline()
    low, high = points[:, [0, 2]].min(0), points[:, [0, 2]].max(0)
    distance = np.linalg.norm(centre - np.clip(centre, low, high), axis=1)
    return select(solids, np.flatnonzero(distance <= radius))


def _collapsed(body: np.ndarray, x: np.ndarray) -> Bool[np.ndarray, " point"]:
    return np.where(x < 0, body["collapse_right"], body["collapse_left"]) > 0


def _lung(
    body: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray
) -> tuple[Bool[np.ndarray, " point"], Bool[np.ndarray, " point"]]:
    """Tell which points lie in aerated lung, and which in the gas of a pneumothorax."""
    covered = organs.mediastinum(body, z).contains(x, y)
    covered |= organs.heart(body, z).contains(x, y) | organs.abdomen(body, x, z).contains(x, y)
    pleural = organs.lung(body, x, z).contains(x, y) & organs.aerated_bowl(body, x, z).contains(x, y) & ~covered
    collapse = _collapsed(body, x)
    outer = organs.collapsed_lung(body, x, z).contains(x, y)
    return pleural & (outer | ~collapse), pleural & ~outer & collapse
