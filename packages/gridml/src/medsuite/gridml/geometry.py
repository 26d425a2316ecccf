"""Points and segments in the plane: inside or outside a boundary, and how far from it."""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import KDTree

CANDIDATES = 16  # segments nearest by midpoint that are searched


def contains(
    segments: Float[np.ndarray, "segments 2 2"], points: Float[np.ndarray, "points 2"]
) -> Bool[np.ndarray, " points"]:
    """Say which points closed loops of segments enclose: an odd number of crossings of a ray along +x."""
    start, end = segments[:, 0], segments[:, 1]
    height = points[:, 1:2]
    straddles = (start[:, 1] > height) != (end[:, 1] > height)
    slope = (end[:, 0] - start[:, 0]) / np.where(end[:, 1] == start[:, 1], 1.0, end[:, 1] - start[:, 1])
    crossing = start[:, 0] + slope * (height - start[:, 1])
    return (straddles & (points[:, :1] < crossing)).sum(axis=1) % 2 == 1


def nearest_segment(
    segments: Float[np.ndarray, "segments 2 2"], points: Float[np.ndarray, "points 2"]
) -> tuple[Float[np.ndarray, " points"], Int[np.ndarray, " points"]]:
    """Return the distance to the nearest of the segments whose midpoints are nearest, and which one it is."""
    count = min(CANDIDATES, len(segments))
    candidates = KDTree(segments.mean(axis=1)).query(points, k=count)[1].reshape(len(points), count)
    start, along = segments[candidates, 0], segments[candidates, 1] - segments[candidates, 0]
    offset = points[:, None] - start
    station = np.clip((offset * along).sum(axis=-1) / (along**2).sum(axis=-1), 0.0, 1.0)
    distance = np.linalg.norm(offset - station[..., None] * along, axis=-1)
    best = distance.argmin(axis=1)
    row = np.arange(len(points))
    return distance[row, best], candidates[row, best].astype(np.int64)
