"""The attenuation at points in space: what `projection` integrates in closed form, point by point instead."""

import numpy as np
from jaxtyping import Bool, Float

from medsuite.core.phantom import organs
from medsuite.core.phantom.body import stack_bodies
from medsuite.core.phantom.chest import lung_attenuation
from medsuite.core.phantom.materials import MATERIALS
from medsuite.core.phantom.projection import all_solids
from medsuite.core.phantom.scene import Scene
from medsuite.core.phantom.solids import Domain

_POINTS_AT_ONCE = 2000


def attenuation(scene: Scene, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, " point"]:
    """Return the linear attenuation in 1/mm at points x, y, z in mm, from implicit equations.

    It shares no integral with the drawing, so summing it along rays checks the projection. Solids add up where they
    overlap, as they do in the films. Slow: O(points · solids).

    Args:
        scene: A patient with findings.
        points: See `Anatomy` for the axes.
    """
    blocks = np.array_split(points, max(1, len(points) // _POINTS_AT_ONCE))
    return np.concatenate([_attenuation(scene, block) for block in blocks])


def _attenuation(scene: Scene, points: np.ndarray) -> np.ndarray:
    body = stack_bodies([scene.anatomy], [scene.disease()])
    x, y, z = points.T
    aerated, gas = _lung(body, x, y, z)
    soft, air = MATERIALS["soft tissue"], MATERIALS["air"]
    front = organs.torso(body, z).span(x).front
    skin = organs.torso(body, z).contains(x, y) | ((y > front) & (y <= front + organs.breast(body, x, z)))
    value = np.where(skin, soft, 0.0)
    value = np.where(gas, value - soft + air, value)
    value = np.where(aerated, value - soft + lung_attenuation(body, x), value)
    for solids in all_solids([scene], body, [[-1] * len(scene.findings)]):
        inside = solids.contains(points)
        domain = solids.domain
        acts = (domain == Domain.EVERYWHERE) | np.where(aerated[:, None], domain == Domain.AIR, domain == Domain.TISSUE)
        value = value + (inside & acts) @ solids.delta
    return value


def _lung(
    body: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray
) -> tuple[Bool[np.ndarray, " point"], Bool[np.ndarray, " point"]]:
    """Tell which points lie in aerated lung, and which in the gas of a pneumothorax."""
    covered = organs.mediastinum(body, z).contains(x, y)
    covered |= organs.heart(body, z).contains(x, y) | organs.abdomen(body, x, z).contains(x, y)
    pleural = organs.lung(body, x, z).contains(x, y) & organs.aerated_bowl(body, x, z).contains(x, y) & ~covered
    collapse = np.where(x < 0, body["collapse_right"], body["collapse_left"]) > 0
    outer = organs.collapsed_lung(body, x, z).contains(x, y)
    return pleural & (outer | ~collapse), pleural & ~outer & collapse
