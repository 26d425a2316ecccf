"""Finding candles, lines and bars by the hue of their pixels."""

import colorsys

import numpy as np
from jaxtyping import Bool, Float, UInt8

from medsuite.bench.finance.draw.canvas import GREEN, RED, Colour

HUE_WIDTH = 16.0
"""Largest difference in hue, in degrees, of a pixel from the colour looked for."""
LEAST_SATURATION = 0.3
LEAST_VALUE = 0.2


def hue_mask(picture: UInt8[np.ndarray, "height width 3"], colour: Colour) -> Bool[np.ndarray, "height width"]:
    """Mark the pixels of a colour's hue; a pixel without a marked neighbour in its 3 x 3 square does not count."""
    wanted = 360 * colorsys.rgb_to_hsv(*(channel / 255 for channel in colour))[0]
    hue, saturation, value = _hsv(picture)
    distance = np.abs((hue - wanted + 180) % 360 - 180)
    mask = (distance < HUE_WIDTH) & (saturation > LEAST_SATURATION) & (value > LEAST_VALUE)
    padded = np.pad(mask.astype(np.uint8), 1)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    marked = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return mask & (marked > 1)


def candle_mask(picture: UInt8[np.ndarray, "height width 3"]) -> Bool[np.ndarray, "height width"]:
    """Mark the pixels of candles, rising or falling."""
    return hue_mask(picture, RED) | hue_mask(picture, GREEN)


def _hsv(
    picture: UInt8[np.ndarray, "height width 3"],
) -> tuple[Float[np.ndarray, "height width"], Float[np.ndarray, "height width"], Float[np.ndarray, "height width"]]:
    """Return hue in degrees, saturation and value from 0 to 1."""
    red, green, blue = np.moveaxis(picture.astype(np.float32) / 255, -1, 0)
    largest, smallest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    spread = np.where(largest > smallest, largest - smallest, 1.0)
    sector = np.where(
        largest == red,
        (green - blue) / spread % 6,
        np.where(largest == green, (blue - red) / spread + 2, (red - green) / spread + 4),
    )
    saturation = np.where(largest > 0, (largest - smallest) / np.where(largest > 0, largest, 1.0), 0.0)
    return 60 * sector, saturation, largest
