"""Pulmonary vessels and thoracic aorta of a batch of patients."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from medsuite.core.phantom.materials import replacing
from medsuite.core.phantom.solids import Domain, Tubes, chain, join

BRANCHES = 9
_SIDES = np.array([-1.0, 1.0])
_FAN = np.deg2rad(np.linspace(74, -78, BRANCHES))
_NUMBERS = 2 * BRANCHES * 40


def _step(angle: np.ndarray, tilt: np.ndarray, length: np.ndarray) -> Float[np.ndarray, "*shape 3"]:
    """Return a step of given length in the direction of an angle in the image plane, tilted to the front."""
    flat = np.cos(tilt) * length
    return np.stack([np.cos(angle) * flat, np.sin(tilt) * length, np.sin(angle) * flat], -1)


def _grow(
    start: np.ndarray, angle: np.ndarray, tilt: np.ndarray, length: np.ndarray, bend: np.ndarray, steps: int
) -> np.ndarray:
    """Grow vessels from `start`; their direction turns by `bend` radians over the length."""
    turned = angle[..., None] + bend[..., None] * np.linspace(-0.5, 0.5, steps)
    moves = _step(turned, tilt[..., None] * np.linspace(1, 0.3, steps), (length / steps)[..., None])
    path = start[..., None, :] + np.cumsum(moves, -2)
    return np.concatenate([start[..., None, :], path], -2)


def _trees(numbers: np.ndarray, reach: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Grow three generations of vessels from the origin towards positive x.

    Args:
        numbers: Uniform in -1..1, shape `(film, side, branch, 40)`.
        reach: Length of the main branches in mm, shape `(film, side, branch)`.

    Returns:
        Vertices of shape `(film, side, branch, ..., point, 3)` and radii relative to the root, each generation.
    """
    pick = np.moveaxis(numbers, -1, 0)
    angle, tilt = _FAN + 0.12 * pick[0], 0.75 * pick[1]
    main = _grow(0 * reach[..., None] * np.ones(3), angle, tilt, reach * (1 + 0.1 * pick[2]), 0.7 * pick[3], 6)
    thick = (0.80 + 0.2 * pick[4])[..., None]
    taper = thick * np.linspace(0.95, 0.22, 6)
    generations = [(main, taper)]

    fork = np.stack([main[..., place, :] for place in (1, 2, 3, 4)], -2)
    random = np.moveaxis(pick[5:25].reshape(5, 4, *pick.shape[1:]), 1, -1)
    turn = np.array([1, -1, 1, -1]) * np.where(pick[25] > 0, 1, -1)[..., None] * (0.65 + 0.2 * random[0])
    lean = tilt[..., None] + 0.7 * random[1]
    far = reach[..., None] * np.array([0.52, 0.44, 0.36, 0.28]) * (1 + 0.25 * random[2])
    side = _grow(fork, angle[..., None] + turn, lean, far, 0.7 * random[3], 4)
    width = taper[..., [1, 2, 3, 4]] * 0.66
    generations.append((side, width[..., None] * np.linspace(1.0, 0.35, 4)))

    tip = np.stack([side[..., place, :] for place in (1, 3)], -2)
    spread = random[4][..., None] * np.array([0.3, -0.3]) + np.array([0.8, -0.7])
    twig_angle, twig_lean = (angle[..., None] + turn)[..., None] + spread, lean[..., None] + 0 * spread
    twig = _grow(tip, twig_angle, twig_lean, far[..., None] * np.array([0.5, 0.42]), 0.5 * spread, 2)
    fine = width[..., None] * np.array([0.6, 0.4])
    return [*generations, (twig, fine[..., None] * np.array([0.9, 0.6]))]


def pulmonary_vessels(body: np.ndarray, seeds: Sequence[int]) -> Tubes:
    """Return the pulmonary arteries and veins: trees that fan out from the hila, thicker towards the bases.

    They act in aerated lung only, so heart, diaphragm, fluid and pleural gas hide or end them; in a pneumothorax they
    draw together with the lung.

    Args:
        body: Patients, shape `(film,)`.
        seeds: The seed of the trees of each patient.
    """
    numbers = np.stack([np.random.default_rng(seed).random(_NUMBERS, dtype=np.float32) for seed in seeds])
    numbers = 2 * numbers.reshape(len(body), 2, BRANCHES, 40) - 1
    tall = body.reshape(-1, 1, 1)
    roots = hila(body)
    lateral = np.stack([body["lung_lateral_right"], body["lung_lateral_left"]], -1)[..., None] - tall["hilum_x"]
    up, down = tall["lung_apex"] - roots[..., None, 2], roots[..., None, 2] - tall["lung_base"]
    vertical = np.where(_FAN > 0, up, down)
    reach = 0.88 / np.hypot(np.cos(_FAN) / lateral, np.sin(_FAN) / vertical)
    gravity = 1.0 - 0.22 * np.sin(_FAN)
    rim = np.stack([body["collapse_right"], body["collapse_left"]], -1)
    factor = 1 - rim / (body["lung_apex"] - body["dome_right"] + 45)[:, None]
    parts = []
    for points, radius in _trees(numbers, reach):
        extra = points.ndim - 3
        mirrored = points * np.array([1, 1, 1])
        mirrored[..., 0] *= _SIDES.reshape(2, *[1] * extra)
        placed = mirrored + roots.reshape(len(body), 2, *[1] * extra, 3)
        placed = _drawn_together(placed, body, factor)
        strength = (body["vessel_radius"][:, None, None] * gravity).reshape(len(body), 1, BRANCHES, *[1] * (extra - 1))
        film = np.arange(len(body)).reshape(-1, *[1] * extra)
        delta = replacing("soft tissue", "lung")
        parts.append(chain(placed, radius * strength, delta, film=film, domain=Domain.AIR))
    return join(parts)


def _drawn_together(points: np.ndarray, body: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Move vessels with a collapsing lung; see `organs.collapsed_lung`."""
    shape = (len(body), 2, *[1] * (points.ndim - 3))
    fixed = np.zeros((len(body), 2, 3))
    fixed[..., 0] = _SIDES * body["hilum_x"][:, None]
    fixed[..., 1] = -10
    fixed[..., 2] = body["dome_right"][:, None] - 45
    fixed, factor = fixed.reshape(*shape, 3), factor.reshape(*shape, 1)
    return fixed + factor * (points - fixed)


def hila(body: np.ndarray) -> Float[np.ndarray, "film side 3"]:
    """Return the roots of the right and the left lung, in mm."""
    right = np.stack([-body["hilum_x"], 0 * body["hilum_x"] - 6, body["hilum_right"]], -1)
    lift = body["hilum_left_above_right"]
    left = np.stack([body["hilum_x"], 0 * lift - 6, body["hilum_right"] + lift], -1)
    return np.stack([right, left], 1).astype(float)


def central_vessels(body: np.ndarray) -> Tubes:
    """Return the pulmonary arteries at the hila and the descending aorta, where lung borders them."""
    film = np.arange(len(body))
    soft, root = replacing("soft tissue", "lung"), hila(body)
    artery = [
        root + np.stack([_SIDES * x, 0 * _SIDES, 0 * _SIDES + z], -1)
        for x, z in ((-8, 12), (4, 2), (11, -20), (14, -42))
    ]
    arteries = chain(np.stack(artery, -2), np.array([7.5, 7.0, 5.2]), soft, film=film[:, None], domain=Domain.AIR)
    knob = body["carina"] + 16
    growth = 0.5 * body["aorta_growth"]
    down = [
        np.stack([x + growth * (x > 19), 0 * knob - 40, z], -1)
        for x, z in ((24, knob), (21, knob - 45), (19, knob - 100), (15, knob - 180))
    ]
    aorta = chain(np.stack(down, -2).astype(float), 12.5, soft, film=film, domain=Domain.AIR)
    return join([arteries, aorta])
