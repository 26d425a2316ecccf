"""Numbers written on coloured pictures, one of which is asked for: a visual needle for any vision-language model."""

from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from medsuite.core.errors import InputError
from medsuite.meda_kv.evaluate.measures import against, all_contained
from medsuite.meda_kv.evaluate.released.sample import PICTURE, Sample

COLOURS = {
    "red": "#b3362e",
    "green": "#2c7a3f",
    "blue": "#2f5fb3",
    "yellow": "#e0b52e",
    "purple": "#7a3f99",
    "orange": "#df7a2b",
    "brown": "#7a4a2b",
    "white": "#f4f4f4",
}
DIGITS, SIDE = 4, 224


def numbered_pictures(rng: np.random.Generator, pictures: int = 6, unit: str = "") -> Sample:
    """Write a number on each of several pictures of different colours, and ask for that on one of them.

    Args:
        rng: Random numbers for the numbers, the colours and which one is asked for.
        pictures: How many.
        unit: Name of the question.

    Raises:
        InputError: There are more pictures than colours.
    """
    if not 1 <= pictures <= len(COLOURS):
        raise InputError(f"{pictures} pictures", expected=f"1 to {len(COLOURS)}")
    names = [str(name) for name in rng.permutation(list(COLOURS))[:pictures]]
    numbers = [str(number) for number in rng.choice(np.arange(10 ** (DIGITS - 1), 10**DIGITS), pictures, replace=False)]
    asked = int(rng.integers(pictures))
    drawn = tuple(_draw(COLOURS[name], number) for name, number in zip(names, numbers, strict=True))
    return Sample(
        unit,
        PICTURE * pictures,
        f"\nWhich number is written on the {names[asked]} picture? Reply with the number alone.",
        against(_contained, [numbers[asked]]),
        8,
        lambda: drawn,
    )


def _contained(answer: str, reference: str) -> float:
    return all_contained(answer, [reference])


@cache
def _font() -> Any:
    return ImageFont.load_default(SIDE // 3)


def _draw(colour: str, number: str) -> Image.Image:
    picture = Image.new("RGB", (SIDE, SIDE), colour)
    ImageDraw.Draw(picture).text(
        (SIDE / 2, SIDE / 2), number, fill="black", font=_font(), anchor="mm", stroke_width=3, stroke_fill="white"
    )
    return picture
