"""Matplotlib figures as inline SVG that follows the page's colours."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#0a0b0c"
"""Colour of text and axes while drawing; becomes the page's text colour, which is light on a dark page."""

PALETTE = ("#3b82c4", "#d97a2b", "#3f9b5f", "#b0599f", "#a08410", "#d0524c", "#6b7fa8", "#2f9b9b")
"""Line colours with a contrast of at least 3:1 against both the light and the dark page."""


@contextmanager
def drawing_style() -> Iterator[None]:
    """Draw figures inside this context so that they read on a light and on a dark page."""
    import matplotlib as mpl
    from cycler import cycler

    ink = dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK)
    style: dict[Any, Any] = ink | {
        "axes.prop_cycle": cycler(color=PALETTE),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "figure.figsize": (5.6, 3.3),
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "font.size": 10,
        "legend.frameon": False,
        "savefig.facecolor": "none",
        "svg.fonttype": "none",
        "svg.hashsalt": "medsuite",
    }
    with mpl.rc_context(style):
        yield


def svg(figure: "Figure", name: str, alternative: str) -> str:
    """Return a figure as an SVG element to place into a page.

    Args:
        figure: Drawn inside `drawing_style`.
        name: Unique in the page; it keeps the element's inner ids apart from those of other figures.
        alternative: What a screen reader says.
    """
    from html import escape

    buffer = io.StringIO()
    with drawing_style():
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", text)
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(alternative)}" ', 1)
