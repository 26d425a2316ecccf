"""A screen photographed by hand: sub-pixel grating, pose, defocus, sampling, glare, noise and JPEG, in linear light.

Moire is not painted: the screen's grating of red, green and blue stripes and the sensor's grid of pixels alias.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from medsuite.core.errors import require, unknown_name

CELLS = 3
"""A screen pixel is 3 x 3 cells: red, green and blue stripes."""
OVERSAMPLING = 2
DESK = 0.12
"""Linear brightness of the surface around the screen; white on the screen is 1."""


@dataclass(frozen=True)
class CameraParameters:
    """How a photograph is taken.

    Attributes:
        scale: Sensor pixels per screen pixel.
        rotation: Largest rotation in degrees.
        jitter: Largest shift of a corner, as a share of the side.
        defocus: Radius of the disc of confusion in sensor pixels.
        fill: Share of a screen pixel that is lit; the rest is the dark matrix.
        glare: Largest brightness of the reflected lobe, as a share of white.
        balance: Largest error of the red and blue gains.
        electrons: Electrons at white, from which shot noise follows; infinite for none.
        quality: JPEG quality.
    """

    scale: float
    rotation: float
    jitter: float
    defocus: float
    fill: float
    glare: float
    balance: float
    electrons: float | int
    quality: int


LEVELS: dict[str, CameraParameters] = {
    "square": CameraParameters(1.45, 0.0, 0.0, 0.45, 0.75, 0.0, 0.0, np.inf, 95),
    "light": CameraParameters(1.45, 1.5, 0.01, 0.45, 0.75, 0.25, 0.04, 6000.0, 88),
    "medium": CameraParameters(1.2, 4.0, 0.025, 0.8, 0.7, 0.5, 0.05, 2500.0, 75),
    "heavy": CameraParameters(0.95, 8.0, 0.045, 1.2, 0.65, 0.8, 0.06, 800.0, 55),
}


@dataclass(frozen=True)
class Photo:
    """A photograph with the truth about it.

    Attributes:
        picture: What the camera stored.
        corners: Where the screen's corners are in it: top left, top right, bottom right, bottom left, as (x, y).
        parameters: How it was taken.
    """

    picture: UInt8[np.ndarray, "height width 3"]
    corners: Float[np.ndarray, "4 2"]
    parameters: CameraParameters


def photograph(
    picture: UInt8[np.ndarray, "height width 3"], level: str | CameraParameters, rng: np.random.Generator
) -> Photo:
    """Photograph a screen that shows a picture.

    Args:
        picture: What the screen shows, in sRGB.
        level: One of `LEVELS`, or parameters.
        rng: Source of pose, glare and noise.

    Raises:
        InputError: The level is unknown.
        MissingDependencyError: OpenCV is not installed.
    """
    if isinstance(level, str):
        if level not in LEVELS:
            raise unknown_name("camera level", level, LEVELS)
        level = LEVELS[level]
    height, width = picture.shape[:2]
    corners, size = _pose(width, height, level, rng)
    light = _expose(_emit(decode_srgb(picture), level.fill), corners, size, level.defocus)
    light *= _vignette(size)[..., None]
    light *= 1 + level.balance * np.array([rng.uniform(-1, 1), 0, rng.uniform(-1, 1)])
    light += _glare(size, level.glare, rng)[..., None]
    return Photo(_store(_add_noise(np.clip(light, 0, 1), level.electrons, rng), level.quality), corners, level)


def decode_srgb(picture: UInt8[np.ndarray, "height width 3"]) -> Float[np.ndarray, "height width 3"]:
    """Turn sRGB bytes into linear light from 0 to 1."""
    codes = np.arange(256) / 255
    table = np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4)
    return table.astype(np.float32)[picture]


def encode_srgb(light: Float[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "height width 3"]:
    """Turn linear light from 0 to 1 into sRGB bytes."""
    codes = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)
    return np.round(255 * np.clip(codes, 0, 1)).astype(np.uint8)


def _cv2() -> Any:
    return require("cv2", extra="medsuite-bench[finance]")


def _emit(light: Float[np.ndarray, "height width 3"], fill: float) -> Float[np.ndarray, "cells_y cells_x 3"]:
    """Light the stripes of every screen pixel: the mean over a pixel stays that of the picture."""
    cells = np.repeat(np.repeat(light, CELLS, 0), CELLS, 1)
    height, width = cells.shape[:2]
    stripe = (np.arange(width)[:, None] % CELLS == np.arange(CELLS)).astype(np.float32) * CELLS
    rows = np.where(np.arange(height) % CELLS == CELLS - 1, CELLS * fill - (CELLS - 1), 1.0).astype(np.float32) / fill
    return cells * stripe[None] * rows[:, None, None]


def _pose(
    width: int, height: int, level: CameraParameters, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "4 2"], tuple[int, int]]:
    """Turn and distort the screen, and choose a sensor (height, width) that holds it with a margin."""
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=float) - [width / 2, height / 2]
    angle = np.deg2rad(level.rotation * rng.uniform(0.4, 1) * rng.choice([-1, 1]))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shifts = rng.uniform(-1, 1, (4, 2)) * level.jitter * np.array([width, height])
    corners = (corners + shifts) @ rotation.T * level.scale
    margin = 0.03 * width * level.scale
    corners += margin - corners.min(0)
    extent = np.ceil(corners.max(0) + margin).astype(int)
    return corners, (int(extent[1]), int(extent[0]))


def _expose(
    screen: Float[np.ndarray, "cells_y cells_x 3"],
    corners: Float[np.ndarray, "4 2"],
    size: tuple[int, int],
    defocus: float,
) -> Float[np.ndarray, "height width 3"]:
    """Project the screen onto a finer sensor grid, blur by the lens, and integrate over the sensor's pixels."""
    cv2 = _cv2()
    height, width = screen.shape[:2]
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32) - 0.5
    target = (corners * OVERSAMPLING - 0.5).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    fine = cv2.warpPerspective(
        screen.astype(np.float32),
        matrix,
        (size[1] * OVERSAMPLING, size[0] * OVERSAMPLING),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(DESK, DESK, DESK),
    )
    blurred = cv2.filter2D(fine, -1, disc_kernel(defocus * OVERSAMPLING))
    return cv2.resize(blurred, (size[1], size[0]), interpolation=cv2.INTER_AREA)


def disc_kernel(radius: float) -> Float[np.ndarray, "size size"]:
    """Return the point spread function of defocus: a disc of sum 1 with an anti-aliased edge."""
    reach = int(np.ceil(radius))
    offsets = np.arange(-reach, reach + 1)
    distance = np.hypot(*np.meshgrid(offsets, offsets))
    weights = np.clip(radius + 0.5 - distance, 0, 1)
    return (weights / weights.sum()).astype(np.float32)


def _vignette(size: tuple[int, int]) -> Float[np.ndarray, "height width"]:
    """Darken towards the corners by (1 + 0.35 r^2)^-2 with r = 1 at half the diagonal."""
    y, x = np.meshgrid(np.linspace(-1, 1, size[0]), np.linspace(-1, 1, size[1]), indexing="ij")
    return (1 + 0.35 * (x**2 + y**2) / 2) ** -2


def _glare(size: tuple[int, int], strength: float, rng: np.random.Generator) -> Float[np.ndarray, "height width"]:
    """Reflect a lamp as one Gaussian lobe whose width is 8 to 18 % of the picture."""
    centre = rng.uniform(0.1, 0.9, 2) * size
    width = rng.uniform(0.08, 0.18) * max(size)
    height = strength * rng.uniform(0.5, 1)
    y, x = np.ogrid[: size[0], : size[1]]
    return height * np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / (2 * width**2))


def _add_noise(
    light: Float[np.ndarray, "height width 3"], electrons: float | int, rng: np.random.Generator
) -> Float[np.ndarray, "height width 3"]:
    """Add shot noise, whose variance is the signal over `electrons`, and a read noise of 3 electrons."""
    if np.isinf(electrons):
        return light
    counts = rng.poisson(light * electrons) + rng.normal(0, 3, light.shape)
    return np.clip(counts / electrons, 0, 1)


def _store(light: Float[np.ndarray, "height width 3"], quality: int) -> UInt8[np.ndarray, "height width 3"]:
    """Encode as sRGB and pass through JPEG."""
    buffer = BytesIO()
    Image.fromarray(encode_srgb(light)).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))
