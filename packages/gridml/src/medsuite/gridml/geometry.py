"""Points and segments in the plane: inside or outside a boundary, and how far from it."""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import KDTree

CANDIDATES = 16  # segments nearest by midpoint that are searched
UNEVEN = (
    2.0  # longest segment over shortest: above it, the midpoint of a long one may lie behind those of many short ones
)
PAIRS = 1 << 18  # of points and segments at a time


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
    """Return the distance to the nearest segment and which one it is.

    Of segments of similar length those with the nearest midpoints are searched, O(points · log segments); of others
    all, O(points · segments).
    """
    lengths = np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1)
    if len(segments) > CANDIDATES and lengths.max() > UNEVEN * lengths.min():
        everyone = np.arange(len(segments))
        parts = np.array_split(points, max(1, len(points) * len(segments) // PAIRS))
        found = [_nearest_of(segments, part, np.tile(everyone, (len(part), 1))) for part in parts]
        return np.concatenate([distance for distance, _ in found]), np.concatenate([which for _, which in found])
    count = min(CANDIDATES, len(segments))
    candidates = KDTree(segments.mean(axis=1)).query(points, k=count)[1].reshape(len(points), count)
    return _nearest_of(segments, points, candidates)


def _nearest_of(
    segments: Float[np.ndarray, "segments 2 2"],
    points: Float[np.ndarray, "points 2"],
    candidates: Int[np.ndarray, "points candidates"],
) -> tuple[Float[np.ndarray, " points"], Int[np.ndarray, " points"]]:
    start, along = segments[candidates, 0], segments[candidates, 1] - segments[candidates, 0]
    offset = points[:, None] - start
    station = np.clip((offset * along).sum(axis=-1) / (along**2).sum(axis=-1), 0.0, 1.0)
    distance = np.linalg.norm(offset - station[..., None] * along, axis=-1)
    best = distance.argmin(axis=1)
    row = np.arange(len(points))
    return distance[row, best], candidates[row, best].astype(np.int64)
