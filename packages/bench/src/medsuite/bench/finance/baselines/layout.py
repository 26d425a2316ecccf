"""Finding things on a page by where they stand: neighbours in a row, panes of a chart, and the scale of an axis."""

import difflib
import re
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from medsuite.bench.finance.baselines.page import Page, Word
from medsuite.bench.finance.draw.axes import Axis

NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
PANE_HEADS = {
    "VOL": re.compile(r"^(?:Volume|成交量)"),
    "MACD": re.compile(r"^MACD"),
    "KDJ": re.compile(r"^KDJ"),
    "RSI": re.compile(r"^RS[I1l]\s*\("),
}
PRICE_HEAD = re.compile(r"MA\s?[\dSsOoIl]|LOWER|MID|UPPER|(?<!\d)6\d{5}(?!\d)")
"""What stands above the candles: names of lines and the code. Candles themselves are at times read as letters."""
ROW_GAP = 12.0
"""Pixels between two lines of text at least; words of one line differ by less, since their boxes do."""
SIMILAR = 0.8
"""Smallest share of equal characters at which a read name is the one looked for."""


def as_number(text: str) -> float | None:
    """Read a word that is one number and nothing else."""
    return float(text.replace(",", "")) if NUMBER.fullmatch(text) else None


def find_word(page: Page, name: str) -> Word | None:
    """Return the word most like a name, or None where none is like it."""
    scores = [difflib.SequenceMatcher(None, word.text.lower(), name.lower()).ratio() for word in page.words]
    if not scores or max(scores) < SIMILAR:
        return None
    return page.words[int(np.argmax(scores))]


def same_row(page: Page, word: Word) -> list[Word]:
    """List the other words whose centres are within 0.8 of the word's height, from left to right."""
    row = [other for other in page.words if abs(other.centre[1] - word.centre[1]) < 0.8 * word.height]
    return sorted((other for other in row if other is not word), key=lambda other: other.left)


def value_after(page: Page, pattern: str) -> str | None:
    """Return the number that follows a key in the same word, or in the next word of its row."""
    key = re.compile(rf"(?<![A-Za-z\d])(?:{pattern})\s*[:;.]?\s*(?P<value>{NUMBER.pattern})?(?![A-Za-z\d(])")
    for word in page.words:
        found = key.search(word.text)
        if found and found["value"]:
            return found["value"]
        if found and found.end() == len(word.text):
            following = [other for other in same_row(page, word) if other.left > word.centre[0]]
            if following and (number := NUMBER.match(following[0].text)):
                return number[0]
    return None


def pane_rows(page: Page, pane: str) -> tuple[float, float] | None:
    """Return the rows between which a pane lies: below its head, down to the next head or the dates."""
    heads = {name: _head_row(page, pattern) for name, pattern in PANE_HEADS.items()}
    date_rows = [word.centre[1] for word in page.words if DATE.search(word.text)]
    below = sorted([row for row in heads.values() if row is not None] + [float(np.mean(date_rows))] * bool(date_rows))
    if pane == "PRICE":
        titles = [word.centre[1] for word in page.words if PRICE_HEAD.search(word.text)]
        above = [row for row in titles if below and row < below[0] - ROW_GAP]
        start = max(above, default=None)
    else:
        start = heads[pane]
    end = next((row for row in below if start is not None and row > start + ROW_GAP), None)
    return None if start is None or end is None else (start, end)


def _head_row(page: Page, pattern: re.Pattern[str]) -> float | None:
    return next((word.centre[1] for word in page.words if pattern.search(word.text)), None)


def labels_right(page: Page, rows: tuple[float, float]) -> list[tuple[float, float]]:
    """List (row, value) of the numbers at the right margin between two rows."""
    edge = page.left + 0.88 * (page.right - page.left)
    return _labels([word for word in page.words if word.left > edge and rows[0] - 8 <= word.centre[1] <= rows[1] + 4])


def labels_left(page: Page) -> list[tuple[float, float]]:
    """List (row, value) of the numbers at the left margin."""
    edge = page.left + 0.08 * (page.right - page.left)
    return _labels([word for word in page.words if word.right < edge])


def _labels(words: Sequence[Word]) -> list[tuple[float, float]]:
    pairs = [(word.centre[1], as_number(word.text)) for word in words]
    return [(row, value) for row, value in pairs if value is not None]


def calibrate(labels: Sequence[tuple[float, float]]) -> Axis | None:
    """Fit a linear axis to tick labels by consensus: of all pairs the one that most other labels agree with.

    Single digits are often missed and others misread, so the labels that disagree are left out. Returns None with fewer
    than two labels.
    """
    best: list[tuple[float, float]] = []
    for (row, value), (other_row, other_value) in combinations(labels, 2):
        if row == other_row or value == other_value:
            continue
        slope = (other_value - value) / (other_row - row)
        bound = 4 * abs(slope)
        agreeing = [(r, v) for r, v in labels if abs(value + slope * (r - row) - v) <= bound]
        best = agreeing if slope < 0 and len(agreeing) > len(best) else best
    if len(best) < 2:
        return None
    slope, offset = np.polyfit([row for row, _ in best], [value for _, value in best], 1)
    return Axis(lower=float(offset + slope), upper=float(offset), top=0.0, bottom=1.0)
