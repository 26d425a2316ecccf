"""Scan conversion: solids become runs of pixels in which the squared half-chord is a quadratic polynomial.

A ray along y at (x, z) meets a convex quadric in the interval y₀(x) ± √q(x), on one image row with y₀ linear and q
quadratic in x. One rasteriser therefore serves ellipsoids and tubes, of all films of a batch at once, and touches only
the pixels that a solid covers. A pixel averages over its aperture p: each projected profile is widened so that its
second moment grows by that of the aperture, p²/12, and keeps its volume. For a semicircle of radius a (a tube) this is
a'² = a² + p²/3; for √(1 - u²/a² - v²/b²) (an ellipsoid) it is a'² = a² + 5p²/12.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from medsuite.core.phantom.chest import Chest
from medsuite.core.phantom.solids import Domain, Ellipsoids, Tubes
from medsuite.core.phantom.span import Span


@dataclass(frozen=True)
class Grid:
    """Square pixels of a batch of films.

    Attributes:
        size: Pixels on a side.
        pitch: Distance of pixel centres in mm.
        left: x of the left edge of each film, mm.
        top: z of the top edge of each film, mm.
        aperture: Width in mm over which a pixel averages; the pitch in a film, about 0 for single rays.
    """

    size: int
    pitch: float
    left: Float[np.ndarray, " film"]
    top: Float[np.ndarray, " film"]
    aperture: float

    @property
    def x(self) -> Float[np.ndarray, "film 1 width"]:
        """Position of the columns in mm."""
        return (self.left[:, None, None] + (np.arange(self.size) + 0.5) * self.pitch).astype(np.float32)

    @property
    def z(self) -> Float[np.ndarray, "film height 1"]:
        """Position of the rows in mm."""
        return (self.top[:, None, None] - (np.arange(self.size)[:, None] + 0.5) * self.pitch).astype(np.float32)


@dataclass(frozen=True)
class Runs:
    """Runs of pixels on image rows; in step i from the first pixel, half-chord² = square·(1, i, i²).

    Attributes:
        solid: Index of the solid.
        pixel: Flat index of the first pixel in the batch.
        count: Pixels in the run.
        square: Coefficients of the squared half-chord, mm².
        depth: Coefficients of the middle of the chord, y = depth·(1, i), mm.
    """

    solid: Int[np.ndarray, " run"]
    pixel: Int[np.ndarray, " run"]
    count: Int[np.ndarray, " run"]
    square: Float[np.ndarray, "3 run"]
    depth: Float[np.ndarray, "2 run"]


def ragged(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for items with the given counts, the item of each element and its place within the item."""
    item = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return item, np.arange(len(item)) - first[item]


def _rows(low: np.ndarray, high: np.ndarray, film: np.ndarray, grid: Grid) -> tuple[np.ndarray, ...]:
    """List the image rows between two heights: solid, row, and z of the row."""
    top = grid.top[film]
    first = np.clip(np.ceil((top - high) / grid.pitch - 0.5), 0, grid.size).astype(np.int64)
    last = np.clip(np.ceil((top - low) / grid.pitch - 0.5), 0, grid.size).astype(np.int64)
    solid, place = ragged(np.maximum(last - first, 0))
    row = first[solid] + place
    return solid, row, top[solid] - (row + 0.5) * grid.pitch


def _columns(low: np.ndarray, high: np.ndarray, film: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Return the first column with its centre at or after `low`, and how many there are before `high`."""
    ends = (np.stack([low, high]) - grid.left[film]) / grid.pitch - 0.5
    first, last = np.clip(np.ceil(ends), 0, grid.size).astype(np.int64)
    return first, np.maximum(last - first, 0)


def scan_ellipsoids(solids: Ellipsoids, grid: Grid) -> Runs:
    """Turn ellipsoids into runs of pixels."""
    axes = np.sqrt(solids.axes[:, [0, 2]] ** 2 + 5 / 12 * grid.aperture**2)
    depth = solids.axes[:, 1] * (solids.axes[:, [0, 2]] / axes).prod(-1)
    cosine, sine = np.cos(solids.roll), np.sin(solids.roll)
    inverse = 1 / axes.T**2
    xx = cosine**2 * inverse[0] + sine**2 * inverse[1]
    xz = cosine * sine * (inverse[0] - inverse[1])
    zz = sine**2 * inverse[0] + cosine**2 * inverse[1] - xz**2 / xx
    middle = solids.centre[:, 2]
    solid, row, z = _rows(middle - zz**-0.5, middle + zz**-0.5, solids.film, grid)
    height, film, xx = z - middle[solid], solids.film[solid], xx[solid]
    centre = solids.centre[solid, 0] - (xz[solid] / xx) * height
    level = 1 - zz[solid] * height**2
    half = np.sqrt(np.maximum(level, 0.0) / xx)
    first, count = _columns(centre - half, centre + half, film, grid)
    offset = grid.left[film] + (first + 0.5) * grid.pitch - centre
    scale = depth[solid] ** 2
    square = scale * np.stack([level - xx * offset**2, -2 * xx * offset * grid.pitch, -xx * grid.pitch**2])
    middles = np.stack([solids.centre[solid, 1], np.zeros(len(solid))])
    return Runs(solid, (film * grid.size + row) * grid.size + first, count, square, middles)


def _clip(low: np.ndarray, high: np.ndarray, slope: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut intervals of x to where `slope * x + value >= 0`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        root = -value / slope
    low = np.where(slope > 0, np.maximum(low, root), low)
    high = np.where(slope < 0, np.minimum(high, root), high)
    return low, np.where((slope == 0) & (value < 0), low, high)


def scan_tubes(solids: Tubes, grid: Grid) -> Runs:
    """Turn tubes into runs of pixels."""
    start, stop = solids.start, solids.stop
    wide = np.sqrt(solids.radius**2 + grid.aperture**2 / 3)
    ends = np.stack([start[:, 2], stop[:, 2]])
    solid, row, z = _rows(ends.min(0) - wide, ends.max(0) + wide, solids.film, grid)
    along = stop - start
    flat = np.hypot(along[:, 0], along[:, 2])
    tx, tz, slope = (along[:, axis] / np.maximum(flat, 1e-6) for axis in (0, 2, 1))
    depth = solids.flatness * solids.radius / wide * np.sqrt(1 + slope**2)

    tx, tz, slope, wide, film = (entry[solid] for entry in (tx, tz, slope, wide, solids.film))
    x0, y0, z0 = start[solid].T
    x1, _, z1 = stop[solid].T
    reach = 2 * wide + np.abs(x1 - x0)
    low, high = np.minimum(x0, x1) - reach, np.maximum(x0, x1) + reach
    away = -tz * x0 - tx * (z - z0)
    low, high = _clip(low, high, tz, wide + away)
    low, high = _clip(low, high, -tz, wide - away)
    (ax, az), (bx, bz) = solids.cut_start[solid].T, solids.cut_stop[solid].T
    low, high = _clip(low, high, ax, (z - z0) * az - x0 * ax)
    low, high = _clip(low, high, -bx, x1 * bx - (z - z1) * bz)

    first, count = _columns(low, high, film, grid)
    x = grid.left[film] + (first + 0.5) * grid.pitch
    distance, step = tz * x + away, tz * grid.pitch
    square = depth[solid] ** 2 * np.stack([wide**2 - distance**2, -2 * distance * step, -(step**2)])
    middles = np.stack([y0 + slope * ((x - x0) * tx + (z - z0) * tz), slope * tx * grid.pitch])
    return Runs(solid, (film * grid.size + row) * grid.size + first, count, square, middles)


def attenuate(solids: Ellipsoids | Tubes, runs: Runs, chest: Chest) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what solids add to the line integral: run, pixel and value of each contribution."""
    run, step = ragged(runs.count)
    pixel = runs.pixel[run] + step
    along = step.astype(np.float32)
    square = runs.square.astype(np.float32)
    half = np.sqrt(np.maximum(square[0][run] + along * (square[1][run] + along * square[2][run]), 0))
    value = 2 * half
    domain = solids.domain[runs.solid].astype(np.int8)[run]
    inside = np.flatnonzero(domain != Domain.EVERYWHERE)
    if len(inside):
        depth = runs.depth.astype(np.float32)
        middle = depth[0][run[inside]] + along[inside] * depth[1][run[inside]]
        air = chest.air(Span(middle - half[inside], middle + half[inside]), pixel[inside])
        value[inside] = np.where(domain[inside] == Domain.AIR, air, value[inside] - air)
    return run, pixel, value * solids.delta.astype(np.float32)[runs.solid][run]
