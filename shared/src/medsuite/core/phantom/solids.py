"""Small solids in struct-of-arrays form: ellipsoids, and tubes along a polyline with mitred joints.

Both are convex along a ray, so each covers one interval of depth at each (x, z). Attenuation adds up: a solid changes
the attenuation inside it by `delta`, within its domain. Thousands of them, of a whole batch of films, are one object.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Float, Int


class Domain(IntEnum):
    """Where a solid acts: everywhere, only in aerated lung, or only outside of it."""

    EVERYWHERE = 0
    AIR = 1
    TISSUE = 2


@dataclass(frozen=True)
class Solids:
    """What every solid has.

    Attributes:
        film: Index of the film in the batch.
        slot: Index of the finding that it belongs to, -1 for anatomy.
        domain: Value of `Domain`.
        delta: Change of attenuation inside, 1/mm.
    """

    film: Int[np.ndarray, " solid"]
    slot: Int[np.ndarray, " solid"]
    domain: Int[np.ndarray, " solid"]
    delta: Float[np.ndarray, " solid"]

    def __len__(self) -> int:
        return len(self.delta)


Kind = TypeVar("Kind", bound=Solids)


def join(parts: Sequence[Kind]) -> Kind:
    """Join collections of one kind of solid."""
    kind = type(parts[0])
    return kind(*(np.concatenate([getattr(part, entry.name) for part in parts]) for entry in fields(kind)))


def select(solids: Kind, index: Int[np.ndarray, " kept"]) -> Kind:
    """Return some of the solids."""
    return type(solids)(*(getattr(solids, entry.name)[index] for entry in fields(solids)))


@dataclass(frozen=True)
class Ellipsoids(Solids):
    """Ellipsoids with one axis along the ray, rolled in the image plane.

    Attributes:
        centre: x, y, z in mm.
        axes: Semi-axes in mm along the rolled x, y and the rolled z.
        roll: Angle in radians from x towards z.
    """

    centre: Float[np.ndarray, "solid 3"]
    axes: Float[np.ndarray, "solid 3"]
    roll: Float[np.ndarray, " solid"]

    def outline(self) -> tuple[Float[np.ndarray, "solid 2"], Float[np.ndarray, " solid"]]:
        """Return circles in (x, z) around the projections: centres and radii."""
        return self.centre[:, [0, 2]], self.axes.max(1)

    def contains(self, points: Float[np.ndarray, "point 3"]) -> Bool[np.ndarray, "point solid"]:
        """Tell which points lie in which ellipsoid, from the implicit equation."""
        x, y, z = np.moveaxis(points[:, None] - self.centre, -1, 0)
        cosine, sine = np.cos(self.roll), np.sin(self.roll)
        rolled = np.stack([cosine * x + sine * z, y, cosine * z - sine * x], -1)
        return ((rolled / self.axes) ** 2).sum(-1) <= 1


@dataclass(frozen=True)
class Tubes(Solids):
    """Elliptic cylinders between two cut planes that contain the ray direction.

    Attributes:
        start: First point of the axis, x, y, z in mm.
        stop: Last point of the axis.
        radius: Semi-axis of the cross-section in the image plane, mm.
        flatness: Semi-axis across the image plane divided by `radius`.
        cut_start: Normal in (x, z) of the plane through `start`; the solid is where it is positive.
        cut_stop: Normal in (x, z) of the plane through `stop`; the solid is where it is negative.
    """

    start: Float[np.ndarray, "solid 3"]
    stop: Float[np.ndarray, "solid 3"]
    radius: Float[np.ndarray, " solid"]
    flatness: Float[np.ndarray, " solid"]
    cut_start: Float[np.ndarray, "solid 2"]
    cut_stop: Float[np.ndarray, "solid 2"]

    def outline(self) -> tuple[Float[np.ndarray, "solid 2"], Float[np.ndarray, " solid"]]:
        """Return circles in (x, z) around the projections: centres and radii."""
        ends = self.start[:, [0, 2]], self.stop[:, [0, 2]]
        return 0.5 * (ends[0] + ends[1]), 0.5 * np.linalg.norm(ends[1] - ends[0], axis=1) + 3 * self.radius

    def contains(self, points: Float[np.ndarray, "point 3"]) -> Bool[np.ndarray, "point solid"]:
        """Tell which points lie in which tube, from the distance to its axis in space."""
        offset = points[:, None] - self.start
        axis = self.stop - self.start
        axis = axis / np.linalg.norm(axis, axis=-1, keepdims=True)
        across = np.cross(axis, [0.0, 1.0, 0.0])
        across = across / np.linalg.norm(across, axis=-1, keepdims=True)
        upright = np.cross(across, axis)
        distance = ((offset * across).sum(-1) / self.radius) ** 2
        distance = distance + ((offset * upright).sum(-1) / (self.radius * self.flatness)) ** 2
        after = (offset[..., [0, 2]] * self.cut_start).sum(-1) >= 0
        before = ((points[:, None] - self.stop)[..., [0, 2]] * self.cut_stop).sum(-1) < 0
        return (distance <= 1) & after & before


def _unit(vectors: Float[np.ndarray, "*shape 2"]) -> Float[np.ndarray, "*shape 2"]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _flat(value: np.ndarray | float | int, shape: tuple[int, ...], dtype: type = np.float32) -> np.ndarray:
    return np.broadcast_to(np.asarray(value, dtype), shape).ravel()


def chain(
    points: Float[np.ndarray, "*shape point 3"],
    radius: np.ndarray | float,
    delta: np.ndarray | float,
    *,
    film: np.ndarray | int,
    domain: Domain = Domain.EVERYWHERE,
    flatness: np.ndarray | float = 1.0,
    slot: int = -1,
) -> Tubes:
    """Run tubes along polylines; neighbours meet in the plane that halves their angle, without gap or overlap.

    Args:
        points: Vertices in mm, any number of polylines.
        radius: Semi-axis in the image plane, broadcast to `(*shape, point - 1)`.
        delta: Change of attenuation in 1/mm, broadcast to the same shape.
        film: Index of the film, broadcast to `shape`.
        domain: Where the tubes act.
        flatness: Depth of the cross-section divided by its height, broadcast like `radius`.
        slot: Finding that they belong to.
    """
    start, stop = points[..., :-1, :], points[..., 1:, :]
    shape = start.shape[:-1]
    along = stop[..., [0, 2]] - start[..., [0, 2]]
    along = _unit(np.where(np.abs(along) < 1e-6, 1e-6, along))
    joint = _unit(along[..., :-1, :] + along[..., 1:, :])
    film = np.broadcast_to(np.asarray(film)[..., None], shape)
    return Tubes(
        film=_flat(film, shape, np.int64),
        slot=_flat(slot, shape, np.int64),
        domain=_flat(domain, shape, np.int8),
        delta=_flat(delta, shape),
        start=start.reshape(-1, 3).astype(np.float32),
        stop=stop.reshape(-1, 3).astype(np.float32),
        radius=_flat(radius, shape),
        flatness=_flat(flatness, shape),
        cut_start=np.concatenate([along[..., :1, :], joint], -2).reshape(-1, 2).astype(np.float32),
        cut_stop=np.concatenate([joint, along[..., -1:, :]], -2).reshape(-1, 2).astype(np.float32),
    )


def ellipsoids(
    centre: Float[np.ndarray, "*shape 3"],
    axes: np.ndarray | Sequence[float],
    delta: np.ndarray | float,
    *,
    film: np.ndarray | int,
    domain: Domain = Domain.EVERYWHERE,
    roll: np.ndarray | float = 0.0,
    slot: int = -1,
) -> Ellipsoids:
    """Make ellipsoids; `axes` broadcasts to `centre`, the rest to `shape` (see `Ellipsoids` for units)."""
    shape = centre.shape[:-1]
    return Ellipsoids(
        film=_flat(film, shape, np.int64),
        slot=_flat(slot, shape, np.int64),
        domain=_flat(domain, shape, np.int8),
        delta=_flat(delta, shape),
        centre=centre.reshape(-1, 3).astype(np.float32),
        axes=_flat(np.asarray(axes), centre.shape).reshape(-1, 3),
        roll=_flat(roll, shape),
    )
