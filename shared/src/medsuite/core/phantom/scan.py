"""Scan conversion: solids become runs of pixels in which the squared half-chord is a quadratic polynomial.

A ray along y at (x, z) meets a convex quadric in the interval y₀(x) ± √q(x), on one image row with y₀ linear and q
quadratic in x. One rasteriser therefore serves ellipsoids and tubes, of all films of a batch at once, and touches only
the pixels that a solid covers. A pixel averages over its aperture p: each projected profile is widened so that its
second moment grows by that of the aperture, p²/12, and keeps its volume. For a semicircle of radius a (a tube) this is
a'² = a² + p²/3; for √(1 - u²/a² - v²/b²) (an ellipsoid) it is a'² = a² + 5p²/12.
"""

from dataclasses import dataclass, replace

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

    def of(self, films: np.ndarray) -> "Grid":
        """Return the grid of some of the films."""
        return replace(self, left=self.left[films], top=self.top[films])

    @property
    def x(self) -> Float[np.ndarray, "film 1 width"]:
        """Position of the columns in mm."""
        return self.left[:, None, None] + ((np.arange(self.size) + 0.5) * self.pitch).astype(np.float32)

    @property
    def z(self) -> Float[np.ndarray, "film height 1"]:
        """Position of the rows in mm."""
        return self.top[:, None, None] - ((np.arange(self.size)[:, None] + 0.5) * self.pitch).astype(np.float32)


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
    return solid, row, top[solid] - (row + np.float32(0.5)) * np.float32(grid.pitch)


def _columns(low: np.ndarray, high: np.ndarray, left: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Return the first column with its centre at or after `low`, and how many there are before `high`."""
    scale = np.float32(1 / grid.pitch)
    first = np.clip(np.ceil((low - left) * scale - 0.5), 0, grid.size)
    last = np.clip(np.ceil((high - left) * scale - 0.5), 0, grid.size)
    return first.astype(np.int64), np.maximum(last - first, 0).astype(np.int64)


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
    half = np.sqrt(np.maximum(level, 0) / xx)
    first, count = _columns(centre - half, centre + half, grid.left[film], grid)
    pitch = np.float32(grid.pitch)
    offset = grid.left[film] + (first + np.float32(0.5)) * pitch - centre
    scale = depth[solid] ** 2
    square = scale * np.stack([level - xx * offset**2, -2 * xx * offset * pitch, -xx * pitch**2])
    middles = np.stack([solids.centre[solid, 1], np.zeros_like(height)])
    return Runs(solid, (film * grid.size + row) * grid.size + first, count, square, middles)


def _slope(vectors: np.ndarray) -> np.ndarray:
    """Return the second over the first component of vectors, with the first kept away from zero."""
    return vectors[:, 1] / np.where(np.abs(vectors[:, 0]) < 1e-6, 1e-6, vectors[:, 0]).astype(np.float32)


def _end_height(cut: np.ndarray, along: np.ndarray, wide: np.ndarray) -> np.ndarray:
    """Return how far in z the corners of a mitred end lie from its axis."""
    return wide * np.abs(cut[:, 0]) / np.maximum((cut * along).sum(-1), 0.3)


def _between(low: np.ndarray, high: np.ndarray, line: np.ndarray, above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cut intervals of x to what is above a line, or below it."""
    infinite = np.float32(np.inf)
    return np.maximum(low, np.where(above, line, -infinite)), np.minimum(high, np.where(above, infinite, line))


def _tube_columns(
    solids: Tubes, wide: np.ndarray, along: np.ndarray, solid: np.ndarray, z: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the interval of x on rows at z where |distance to the axis| <= a', between the two cuts."""
    from_start, from_stop = z - solids.start[solid, 2], z - solids.stop[solid, 2]
    lean = _slope(along[:, ::-1])
    half = wide * np.hypot(lean, np.float32(1))
    middle = solids.start[solid, 0] + lean[solid] * from_start
    low, high = middle - half[solid], middle + half[solid]
    cut = solids.start[solid, 0] - _slope(solids.cut_start)[solid] * from_start
    low, high = _between(low, high, cut, (solids.cut_start[:, 0] > 0)[solid])
    cut = solids.stop[solid, 0] - _slope(solids.cut_stop)[solid] * from_stop
    return _between(low, high, cut, (solids.cut_stop[:, 0] <= 0)[solid])


def scan_tubes(solids: Tubes, grid: Grid) -> Runs:
    """Turn tubes into runs of pixels."""
    start, stop, pitch = solids.start, solids.stop, np.float32(grid.pitch)
    wide = np.sqrt(solids.radius**2 + np.float32(grid.aperture**2 / 3))
    vector = stop - start
    flat = np.maximum(np.hypot(vector[:, 0], vector[:, 2]), np.float32(1e-6))
    along, slope = vector[:, [0, 2]] / flat[:, None], vector[:, 1] / flat
    depth = solids.flatness * (solids.radius / wide) ** 2 * np.sqrt(1 + slope**2)
    ends = [_end_height(cut, along, wide) for cut in (solids.cut_start, solids.cut_stop)]
    lowest = np.minimum(start[:, 2] - ends[0], stop[:, 2] - ends[1])
    highest = np.maximum(start[:, 2] + ends[0], stop[:, 2] + ends[1])
    solid, row, z = _rows(lowest, highest, solids.film, grid)
    low, high = _tube_columns(solids, wide, along, solid, z)
    first, count = _columns(low, high, grid.left[solids.film[solid]], grid)

    kept = np.flatnonzero(count)
    solid, row, first, count, z = solid[kept], row[kept], first[kept], count[kept], z[kept]
    film, (tx, tz), steep = solids.film[solid], along[solid].T, slope[solid]
    across = grid.left[film] + (first + np.float32(0.5)) * pitch - start[solid, 0]
    up = z - start[solid, 2]
    distance, step = tz * across - tx * up, tz * pitch
    square = depth[solid] ** 2 * np.stack([wide[solid] ** 2 - distance**2, -2 * distance * step, -(step**2)])
    middles = np.stack([start[solid, 1] + steep * (across * tx + up * tz), steep * tx * pitch])
    return Runs(solid, (film * grid.size + row) * grid.size + first, count, square, middles)


def attenuate(solids: Ellipsoids | Tubes, runs: Runs, chest: Chest) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what solids add to the line integral: run, pixel and value of each contribution."""
    run, step = ragged(runs.count)
    pixel = runs.pixel[run] + step
    along = step.astype(np.float32)
    constant, linear, quadratic = runs.square
    half = np.sqrt(np.maximum(constant[run] + along * (linear[run] + along * quadratic[run]), 0))
    value = 2 * half
    domain = solids.domain[runs.solid][run]
    inside = np.flatnonzero(domain != Domain.EVERYWHERE)
    if len(inside):
        middle = runs.depth[0][run[inside]] + along[inside] * runs.depth[1][run[inside]]
        air = chest.air(Span(middle - half[inside], middle + half[inside]), pixel[inside])
        value[inside] = np.where(domain[inside] == Domain.AIR, air, value[inside] - air)
    return run, pixel, value * solids.delta[runs.solid][run]
