"""Self-contained HTML: one file, no network, no script, light and dark, readable on a phone and on paper."""

from medsuite.core.reporting.figures import drawing_style, svg
from medsuite.core.reporting.page import Page, number, render

__all__ = ["Page", "drawing_style", "number", "render", "svg"]
