"""Rules that answer questions about price charts from the words and pixels of a page."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

import numpy as np

from medsuite.bench.finance.baselines.colours import candle_mask, hue_mask
from medsuite.bench.finance.baselines.layout import calibrate, labels_right, pane_rows, value_after
from medsuite.bench.finance.baselines.page import Page
from medsuite.bench.finance.draw.canvas import make_theme
from medsuite.bench.finance.draw.price import WORDS
from medsuite.bench.finance.schema import Language
from medsuite.bench.finance.templates import CHOICES

Slots = Mapping[str, str]
Rule = Callable[[Page, Slots, Language], str | None]

LINE_WIDTH = 2.0
"""Rows that a drawn line covers: its value lies in their middle."""
PANE_OF_LINE = {"K": "KDJ", "D": "KDJ", "J": "KDJ", "RSI6": "RSI", "RSI12": "RSI", "DIF": "MACD", "DEA": "MACD"}
_MISREAD = {"0": "[0Oo]", "1": "[1Il]", "5": "[5Ss]", "6": "[6b]", "I": "[I1l]", "O": "[O0]"}
_OVERLAY = re.compile(r"(?<![A-Za-z])(?:MA\s?[\dSsOoIl]{1,3}(?![\d.])|LOWER|MID|UPPER)(?![A-Za-z])")


def line_value(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Read the printed value of a line."""
    return _value(page, slots["line"])


def stock_code(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Read the six digits of a code at the top of the page."""
    found = [match[0] for word in page.words if (match := re.search(r"(?<!\d)6\d{5}(?!\d)", word.text))]
    return found[0] if found else None


def top_label(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Read the largest label of the price axis."""
    values = _price_labels(page)
    return _decimal(max(values)) if values else None


def label_range(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Subtract the smallest label of the price axis from the largest."""
    values = _price_labels(page)
    return str(Decimal(_decimal(max(values))) - Decimal(_decimal(min(values)))) if values else None


def overlay_names(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """List the names of averages and bands."""
    found = {_correct(match) for word in page.words for match in _OVERLAY.findall(word.text)}
    return ", ".join(sorted(found)) or None


def lowest_pane(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Name the indicator whose head stands lowest."""
    rows = {pane: pane_rows(page, pane) for pane in ("MACD", "KDJ", "RSI")}
    present = {pane: span[0] for pane, span in rows.items() if span is not None}
    return max(present, key=lambda pane: present[pane]) if present else None


def high_place(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Find the third of the chart in which the topmost candle pixel lies."""
    points = _candle_pixels(page)
    if points is None:
        return None
    rows, columns = points
    place = (columns[rows.argmin()] - columns.min()) / max(int(np.ptp(columns)), 1)
    return CHOICES[language][("left", "middle", "right")[min(int(place * 3), 2)]]


def line_order(page: Page, slots: Slots, language: Language) -> str | None:
    """Compare two printed values; where none are printed, compare the ends of the two lines."""
    first, second = _value(page, slots["first"]), _value(page, slots["second"])
    if first is not None and second is not None:
        return CHOICES[language]["above" if Decimal(first) > Decimal(second) else "below"]
    ends = [_line_end(page, slots[name], number) for number, name in enumerate(("first", "second"))]
    if ends[0] is None or ends[1] is None:
        return None
    return CHOICES[language]["above" if ends[0] < ends[1] else "below"]


def day_range(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Subtract the printed low from the printed high."""
    words = WORDS[language]
    return _difference(value_after(page, words["high"]), value_after(page, words["low"]))


def line_difference(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Subtract two printed values."""
    return _difference(_value(page, slots["first"]), _value(page, slots["second"]))


def highest_price(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Read the topmost candle pixel off the price axis."""
    return _extreme_price(page, np.min)


def lowest_price(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Read the lowest candle pixel off the price axis."""
    return _extreme_price(page, np.max)


def line_maximum(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Read the topmost pixel of a pane's first line off its axis."""
    rows = pane_rows(page, PANE_OF_LINE.get(slots["line"], "VOL"))
    if rows is None:
        return None
    axis = calibrate(labels_right(page, rows))
    points = _line_pixels(page, rows, 0)
    return None if axis is None or points is None else f"{axis.value(float(points[0].min()) + LINE_WIDTH / 2):.2f}"


def _value(page: Page, line: str) -> str | None:
    value = value_after(page, "".join(_MISREAD.get(character, re.escape(character)) for character in line))
    return value.replace(",", "") if value else None


def _difference(first: str | None, second: str | None) -> str | None:
    if first is None or second is None:
        return None
    return str(Decimal(first.replace(",", "")) - Decimal(second.replace(",", "")))


def _correct(name: str) -> str:
    """Undo the usual misreadings of digits after MA."""
    if not name.startswith("MA"):
        return name
    return "MA" + name[2:].strip().translate(str.maketrans("SsOoIl", "550011"))


def _price_labels(page: Page) -> list[float]:
    rows = pane_rows(page, "PRICE")
    return [value for _, value in labels_right(page, rows)] if rows else []


def _decimal(value: float) -> str:
    return f"{Decimal(repr(value)).normalize():f}"


def _extreme_price(page: Page, choose: Callable[[np.ndarray], float]) -> str | None:
    rows, points = pane_rows(page, "PRICE"), _candle_pixels(page)
    axis = calibrate(labels_right(page, rows)) if rows else None
    return None if axis is None or points is None else f"{axis.value(float(choose(points[0])) + 0.5):.2f}"


def _candle_pixels(page: Page) -> tuple[np.ndarray, np.ndarray] | None:
    """Return rows and columns of the candle pixels in the pane of prices."""
    rows = pane_rows(page, "PRICE")
    return _pixels(page, rows, candle_mask(page.picture)) if rows else None


def _line_pixels(page: Page, rows: tuple[float, float], number: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Return rows and columns of the pixels of a pane's line, by its number in the palette."""
    return _pixels(page, rows, hue_mask(page.picture, make_theme("red_up", "light").lines[number]))


def _line_end(page: Page, line: str, number: int) -> float | None:
    """Return the mean row of the last few columns of a line."""
    rows = pane_rows(page, PANE_OF_LINE.get(line, "VOL"))
    points = _line_pixels(page, rows, number) if rows else None
    if points is None:
        return None
    return float(points[0][points[1] >= points[1].max() - 2].mean())


def _pixels(page: Page, rows: tuple[float, float], mask: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Cut a mask to a pane: below its head line, above the next, left of the labels."""
    height = float(np.median([word.height for word in page.words]))
    top, bottom = int(rows[0] + 0.75 * height), int(rows[1] - 0.75 * height)
    right = int(page.left + 0.915 * (page.right - page.left))
    points = np.nonzero(mask[max(top, 0) : bottom, :right])
    return (points[0] + max(top, 0), points[1]) if len(points[0]) else None


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        line_value, stock_code, top_label, label_range, overlay_names, lowest_pane, high_place, line_order, day_range,
        line_difference, highest_price, lowest_price, line_maximum,
    )
}  # fmt: skip
