"""A picture under construction: anti-aliased shapes below, text above, and a record of every string that was drawn."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from medsuite.bench.finance.draw.fonts import load_font
from medsuite.bench.finance.schema import Language

SUPERSAMPLING = 2
Colour = tuple[int, int, int]
Point = tuple[float | int, float | int]
Anchor = Literal["lm", "mm", "rm", "lt", "mt", "rt", "mb"]


@dataclass(frozen=True)
class Theme:
    """Colours of a picture. `rise` and `fall` follow a market's custom, not a language."""

    background: Colour
    ink: Colour
    grid: Colour
    rise: Colour
    fall: Colour
    lines: tuple[Colour, ...] = ((205, 112, 0), (30, 110, 235), (170, 60, 220), (0, 160, 190))


RED, GREEN = (214, 40, 40), (20, 150, 70)
WHITE, NIGHT = (255, 255, 255), (18, 22, 30)


def make_theme(scheme: Literal["red_up", "green_up"], ground: Literal["light", "dark"]) -> Theme:
    """Choose the colours: red for a rise as in China or green as elsewhere, on a light or a dark ground."""
    rise, fall = (RED, GREEN) if scheme == "red_up" else (GREEN, RED)
    if ground == "light":
        return Theme(WHITE, (30, 30, 36), (226, 228, 233), rise, fall)
    return Theme(NIGHT, (225, 228, 235), (52, 58, 70), rise, fall)


@dataclass(frozen=True)
class DrawnText:
    """One string of a picture with its box (left, top, right, bottom) in pixels."""

    text: str
    box: tuple[float | int, float | int, float | int, float | int]
    size: int


class Canvas:
    """Draws shapes at twice the size and reduces them, since Pillow's lines are not anti-aliased."""

    def __init__(self, width: int, height: int, theme: Theme, language: Language, font_size: int) -> None:
        self.width, self.height, self.theme = width, height, theme
        self.language, self.font_size = language, font_size
        self.texts: list[DrawnText] = []
        self._pending: list[tuple[Point, str, Colour, int, Anchor]] = []
        self._image = Image.new("RGB", (width * SUPERSAMPLING, height * SUPERSAMPLING), theme.background)
        self._draw = ImageDraw.Draw(self._image)

    def line(self, points: list[Point], colour: Colour, width: float | int = 1) -> None:
        """Draw a polyline through points in pixels."""
        scaled = [(x * SUPERSAMPLING, y * SUPERSAMPLING) for x, y in points]
        self._draw.line(scaled, fill=colour, width=round(width * SUPERSAMPLING), joint="curve")

    def rectangle(self, corner: Point, opposite: Point, colour: Colour) -> None:
        """Fill the rectangle between two corners in any order."""
        left, right = sorted((corner[0], opposite[0]))
        top, bottom = sorted((corner[1], opposite[1]))
        box = [round(value * SUPERSAMPLING) for value in (left, top, right, bottom)]
        self._draw.rectangle((box[0], box[1], max(box[2] - 1, box[0]), max(box[3] - 1, box[1])), fill=colour)

    def write(
        self, at: Point, text: str, colour: Colour | None = None, anchor: Anchor = "lm", size: int | None = None
    ) -> float:
        """Write a string and return its right end in pixels.

        Args:
            at: Position of the anchor.
            text: The string.
            colour: Its colour, the theme's ink when None.
            anchor: Pillow's two letters: left, middle, right; top, middle, bottom.
            size: Font size in pixels, the canvas' own when None.
        """
        size = size or self.font_size
        font = load_font(self.language, size)
        box = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox(at, text, font=font, anchor=anchor)
        self.texts.append(DrawnText(text, box, size))
        self._pending.append((at, text, colour or self.theme.ink, size, anchor))
        return float(box[2])

    def measure(self, text: str, size: int | None = None) -> float:
        """Return the width of a string in pixels."""
        return load_font(self.language, size or self.font_size).getlength(text)

    def finish(self) -> UInt8[np.ndarray, "height width 3"]:
        """Reduce the shapes and write the strings over them."""
        reduced = self._image.reduce(SUPERSAMPLING)
        draw = ImageDraw.Draw(reduced)
        for at, text, colour, size, anchor in self._pending:
            draw.text(at, text, fill=colour, font=load_font(self.language, size), anchor=anchor)
        return np.asarray(reduced).copy()
