"""Cases on a regular grid: a geometric encoding that ignores where nodes are dense, and one that does not."""

from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree

from medsuite.core.errors import InputError
from medsuite.gridml.case import Case
from medsuite.gridml.geometry import contains
from medsuite.gridml.models.normalise import Normaliser

Encoding = Literal["geometric", "scatter"]


def grid_points(side: int) -> Float[np.ndarray, "pixels 2"]:
    """Return pixel centres of a grid over [−1, 1]², rows along y, x fastest."""
    axis = (2 * np.arange(side) + 1) / side - 1
    column, row = np.meshgrid(axis, axis)
    return np.stack([column.ravel(), row.ravel()], axis=1)


def encode_grid(
    case: Case,
    positions: Float[np.ndarray, "nodes 2"],
    features: Float[np.ndarray, "nodes features"],
    normaliser: Normaliser,
    side: int,
    encoding: Encoding,
) -> Float[np.ndarray, "channels height width"]:
    """Put a case on a grid over the frame.

    `"geometric"`: inside or not, and features of the nearest node where inside. It depends on the domain and the
    fields, not on node density. `"scatter"`: mean of the features of the nodes in each pixel, and their
    number; it changes with the mesh although the problem does not.

    Raises:
        InputError: The mesh reaches out of the frame of the training cases.
    """
    if np.abs(positions).max() > 1.0:
        raise InputError(
            f"{case.name} reaches out of the square of half-width {normaliser.half_width:.3g} that training cases fill",
            expected="a domain of the size that the model was fitted to",
        )
    if encoding == "geometric":
        channels = _geometric(case, positions, features, side)
    else:
        channels = _scatter(positions, features, side)
    return channels.T.reshape(-1, side, side)


def _geometric(
    case: Case, positions: Float[np.ndarray, "nodes 2"], features: Float[np.ndarray, "nodes features"], side: int
) -> Float[np.ndarray, "pixels channels"]:
    pixels = grid_points(side)
    segments = positions[case.mesh.boundary_facets]
    inside = contains(segments, pixels)[:, None]
    nearest = features[KDTree(positions).query(pixels)[1]]
    return np.concatenate([inside, inside * nearest], axis=1)


def _scatter(
    positions: Float[np.ndarray, "nodes 2"], features: Float[np.ndarray, "nodes features"], side: int
) -> Float[np.ndarray, "pixels channels"]:
    column, row = np.minimum(((positions + 1.0) * 0.5 * side).astype(np.int64), side - 1).T
    pixel = row * side + column
    count = np.bincount(pixel, minlength=side * side)
    total = np.zeros((side * side, features.shape[1]))
    np.add.at(total, pixel, features)
    return np.concatenate([count[:, None], total / np.maximum(count, 1)[:, None]], axis=1)
