"""Undoing the perspective of a photographed screen: find its four edges, intersect them, and warp back."""

from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from medsuite.bench.finance.baselines.page import Page, Word
from medsuite.core.errors import require

STEP = 5
"""Pixels on both sides between which an edge is a jump of brightness."""
JUMP = 26
"""Smallest jump, in sRGB codes."""
PIXEL_CENTRE = 0.5
"""Position of the centre of the first pixel where corners are measured from the picture's own corner."""
INLIER = 2.0
"""Largest distance in pixels of an edge point from its line."""


def find_corners(picture: UInt8[np.ndarray, "height width 3"]) -> Float[np.ndarray, "4 2"] | None:
    """Find the corners of the screen as intersections of four fitted edges, or None where an edge has few points.

    From each side of the photograph, scan lines run inwards to the first jump of brightness; a line is fitted to these
    points by RANSAC and then by least squares to its inliers. Points of glare and text do not count.

    Returns:
        Top left, top right, bottom right, bottom left as (x, y), in pixels.
    """
    cv2 = require("cv2", extra="medsuite-bench[finance]")
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), (0, 0), 1.5).astype(np.float32)
    lines = []
    for turns in range(4):
        points = _first_jumps(np.rot90(grey, turns))
        line = _fit_line(points)
        if line is None:
            return None
        lines.append(_turn_line(line, turns, grey.shape))
    left, top, right, bottom = lines
    crossings = [np.cross(a, b) for a, b in ((left, top), (top, right), (right, bottom), (bottom, left))]
    return np.array([crossing[:2] / crossing[2] for crossing in crossings]) + PIXEL_CENTRE


def _first_jumps(grey: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "points 2"]:
    """Return (x, y) of the first jump from the left in each scan line of the middle 90 %."""
    height, width = grey.shape
    jumps = np.abs(grey[:, 2 * STEP :] - grey[:, : -2 * STEP])[:, : width // 3]
    rows = np.arange(height // 20, height - height // 20, 2)
    found = jumps[rows] > JUMP
    rows, found = rows[found.any(1)], found[found.any(1)]
    first = found.argmax(1)
    window = np.minimum(first[:, None] + np.arange(2 * STEP), jumps.shape[1] - 1)
    strongest = np.take_along_axis(jumps[rows], window, 1).argmax(1)
    return np.stack([first + strongest + STEP, rows], 1).astype(float)


def _fit_line(points: Float[np.ndarray, "points 2"]) -> tuple[float, float] | None:
    """Fit x = slope y + offset to the largest set of points within `INLIER`, or None with fewer than 20 points."""
    if len(points) < 20:
        return None
    rng = np.random.default_rng(0)
    best = np.zeros(len(points), dtype=bool)
    for first, second in rng.integers(0, len(points), (300, 2)):
        (x0, y0), (x1, y1) = points[first], points[second]
        if abs(y1 - y0) < 20:
            continue
        slope = (x1 - x0) / (y1 - y0)
        inliers = np.abs(points[:, 0] - x0 - slope * (points[:, 1] - y0)) < INLIER
        best = inliers if inliers.sum() > best.sum() else best
    if best.sum() < 20:
        return None
    slope, offset = np.polyfit(points[best, 1], points[best, 0], 1)
    return float(slope), float(offset)


def _turn_line(line: tuple[float, float], turns: int, shape: tuple[int, ...]) -> Float[np.ndarray, " 3"]:
    """Express a line found in the picture after `turns` quarter turns in the picture itself, as a x + b y + c = 0."""
    slope, offset = line
    homogeneous = np.array([1.0, -slope, -offset])
    height, width = shape
    for turn in range(turns, 0, -1):
        side = (width if turn % 2 else height) - 1
        a, b, c = homogeneous
        homogeneous = np.array([-b, a, c + b * side])
    return homogeneous


def rectify(page: Page, corners: Float[np.ndarray, "4 2"]) -> Page:
    """Map the words and pixels of a photographed page so that the screen is upright and fills the picture."""
    cv2: Any = require("cv2", extra="medsuite-bench[finance]")
    sides = [float(np.linalg.norm(b - a)) for a, b in pairwise([*corners, corners[0]])]
    width, height = round((sides[0] + sides[2]) / 2), round((sides[1] + sides[3]) / 2)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]]) - PIXEL_CENTRE
    matrix = cv2.getPerspectiveTransform((corners - PIXEL_CENTRE).astype(np.float32), target.astype(np.float32))
    picture = cv2.warpPerspective(page.picture, matrix, (width, height), flags=cv2.INTER_LINEAR)
    words = tuple(
        Word(word.text, cv2.perspectiveTransform(word.corners[None].astype(np.float64), matrix)[0])
        for word in page.words
    )
    return Page(words, picture)
