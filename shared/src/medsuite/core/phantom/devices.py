"""Devices made of solids, which act through any tissue."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from medsuite.core.phantom.lesions import Lesion, Parts
from medsuite.core.phantom.solids import ellipsoids


def _generator(lesion: Lesion) -> Parts:
    """Put a pacemaker under the skin, with leads through the vena cava to right atrium and ventricle."""
    x, y, z = lesion.centre
    side, anatomy = np.sign(x), lesion.anatomy
    can = ellipsoids(
        lesion.centre[None],
        np.array([lesion.radius, 4.0, 0.9 * lesion.radius]),
        lesion.finding.attenuation,
        film=lesion.film,
        slot=lesion.slot,
    )
    cava, heart = -0.75 * anatomy.vena_cava, anatomy.heart_z
    entry = [(x - 16 * side, y, z + 12), (x - 40 * side, 60, z + 20), (24 * side, 20, z + 2), (cava, 0, z - 22)]
    atrium = [
        *entry,
        (cava - 4, 0, 20),
        (cava - 5, 8, heart + 22),
        (cava + 6, 20, heart + 16),
        (cava + 2, 26, heart + 30),
    ]
    ventricle = [
        *entry,
        (cava - 2, 0, 20),
        (cava, 10, heart),
        (cava + 24, 26, heart - 22),
        (0.72 * anatomy.heart_half_length + anatomy.heart_x - 6, 30, heart - 27),
    ]
    return [can, *(lesion.wire(_smooth(np.array(path)), 1.1) for path in (atrium, ventricle))]


def _catheter(lesion: Lesion) -> Parts:
    """Run a central venous catheter from the neck through the vena cava to its tip at `position`."""
    x, y, z = lesion.centre
    side = -1.0 if lesion.finding.side == "right" else 1.0
    top = lesion.anatomy.lung_apex
    path = [
        (side * 44, 12, top + 42),
        (side * 36, 14, top),
        (side * 28, 10, top - 36),
        (x + 3, y, 0.5 * (z + top - 40)),
        (x, y, z),
    ]
    return [lesion.wire(_smooth(np.array(path)), lesion.radius)]


def _tracheal_tube(lesion: Lesion) -> Parts:
    """Run a tube with a radiopaque stripe down the trachea to its tip at `position`."""
    x, y, z = lesion.centre
    path = np.array([(0.3 * x, y + 8, z + 160), (0.6 * x, y + 4, z + 70), (x, y, z)])
    side = np.array([0.8 * lesion.radius, 0.0, 0.0])
    wall = lesion.wire(path, lesion.radius, 0.2), lesion.wire(path, 0.72 * lesion.radius, -0.2)
    return [*wall, lesion.wire(path + side, 0.9)]


_STEPS = np.linspace(0, 1, 6)[1:, None]
_CATMULL_ROM = 0.5 * np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]])
_CURVE = _STEPS ** np.arange(4) @ _CATMULL_ROM


def _smooth(corners: Float[np.ndarray, "corner 3"]) -> Float[np.ndarray, "point 3"]:
    """Draw a Catmull-Rom spline through corners, five steps from each to the next."""
    padded = np.concatenate([corners[:1], corners, corners[-1:]])
    pieces = np.lib.stride_tricks.sliding_window_view(padded, 4, axis=0)
    return np.concatenate([corners[:1], (_CURVE @ pieces.transpose(0, 2, 1)).reshape(-1, 3)])


DEVICES: Mapping[str, Callable[[Lesion], Parts]] = MappingProxyType(
    {"generator": _generator, "catheter": _catheter, "tracheal tube": _tracheal_tube}
)
"""Builders of the shapes of devices."""
