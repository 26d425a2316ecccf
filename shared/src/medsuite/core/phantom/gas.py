"""Gas where there is tissue: trachea, main bronchi and the gastric bubble of a batch of patients."""

import numpy as np

from medsuite.core.phantom import organs
from medsuite.core.phantom.materials import replacing
from medsuite.core.phantom.solids import Domain, Ellipsoids, Tubes, chain, ellipsoids, join

_GAS = replacing("air", "soft tissue")
_TRACHEA = np.array([[0.3, 150.0], [0.6, 90.0], [0.9, 45.0], [1.0, 0.0]])
_BRONCHI = np.array([[[-3.0, -2.0], [-16.0, -24.0], [-30.0, -46.0]], [[3.0, -2.0], [20.0, -20.0], [38.0, -32.0]]])


def airways(body: np.ndarray) -> Tubes:
    """Return trachea and main bronchi; the right one is the steeper."""
    film, x, carina = np.arange(len(body)), body["trachea_x"][:, None], body["carina"][:, None]
    midline = np.stack(np.broadcast_arrays(x * _TRACHEA[:, 0], -12.0, carina + _TRACHEA[:, 1]), -1).astype(float)
    trachea = chain(midline, body["trachea_radius"][:, None], _GAS, film=film, domain=Domain.TISSUE)
    fork = np.stack(
        np.broadcast_arrays(x[..., None] + _BRONCHI[..., 0], -14.0, carina[..., None] + _BRONCHI[..., 1]), -1
    ).astype(float)
    return join([trachea, chain(fork, np.array([6.0, 4.8]), _GAS, film=film[:, None], domain=Domain.TISSUE)])


def gastric_bubble(body: np.ndarray) -> Ellipsoids:
    """Return the gas in the fundus of the stomach, under the left dome of the diaphragm."""
    _, top = organs.dome_heights(body)
    radius = body["gastric_bubble"]
    centre = np.stack(np.broadcast_arrays(58.0, 10.0, top - 10 - 0.7 * radius), -1).astype(float)
    axes = np.stack([1.2 * radius, 0.8 * radius, 0.75 * radius], -1)
    return ellipsoids(centre, axes, _GAS, film=np.arange(len(body)), domain=Domain.TISSUE)
