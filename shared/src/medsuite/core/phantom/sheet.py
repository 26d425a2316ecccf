"""Contact sheets: many films on one picture, with boxes and names."""

from typing import TYPE_CHECKING

import numpy as np

from medsuite.core.phantom.films import Films

if TYPE_CHECKING:
    from PIL.Image import Image

_COLOURS = ("#ffcc33", "#66ccff", "#ff7799", "#88ee88")


def contact_sheet(films: Films, columns: int = 6, outlines: bool = True) -> "Image":
    """Lay films out in rows, with the box and the name of each finding.

    Args:
        films: What to show.
        columns: Films in a row.
        outlines: Draw boxes and names over the films.
    """
    from PIL import Image, ImageDraw

    size = films.image.shape[-1]
    rows = -(-len(films) // columns)
    sheet = Image.new("RGB", (columns * size, rows * size))
    pen = ImageDraw.Draw(sheet)
    for place, image in enumerate(films.image):
        left, top = place % columns * size, place // columns * size
        sheet.paste(Image.fromarray(np.uint8(255 * image + 0.5)).convert("RGB"), (left, top))
        for number, mark in enumerate(films.marks(place) if outlines else ()):
            colour = _COLOURS[number % len(_COLOURS)]
            name = mark.finding.label if mark.visible else f"({mark.finding.label})"
            pen.text((left + 3, top + 2 + 11 * number), name, fill=colour)
            if mark.visible:
                x0, y0, x1, y1 = mark.box
                pen.rectangle((left + x0, top + y0, left + x1 - 1, top + y1 - 1), outline=colour)
    return sheet
