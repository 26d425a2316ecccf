"""Rules that answer questions about statistical charts, tables and report pages."""

import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

import numpy as np

from medsuite.bench.finance.baselines.colours import hue_mask
from medsuite.bench.finance.baselines.layout import as_number, calibrate, find_word, labels_left, same_row
from medsuite.bench.finance.baselines.page import Page, Word
from medsuite.bench.finance.draw.canvas import make_theme
from medsuite.bench.finance.draw.vocabulary import VOCABULARIES
from medsuite.bench.finance.schema import Language

Slots = Mapping[str, str]
Rule = Callable[[Page, Slots, Language], str | None]
PERIOD = re.compile(r"(?:19|20)\d\dQ[1-4]")
SECTION = re.compile(r"^\s*\d\s*[.、]\s*(?P<title>\D{2,20})$")


def bar_value(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Read the number printed over a bar."""
    return _bar_label(page, slots["series"], slots["period"])


def series_names(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """List the words in the top row."""
    return ", ".join(word.text for word in _legend(page)) or None


def highest_period(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Find the period over which the series' bar ends topmost."""
    index = _series_index(page, slots["series"])
    tops = {word.text: _bar_top(page, word, index) for word in _periods(page)} if index is not None else {}
    present = {period: top for period, top in tops.items() if top is not None}
    return min(present, key=lambda period: present[period]) if present else None


def period_change(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Subtract two printed numbers."""
    return _subtract(*(_bar_label(page, slots["series"], slots[which]) for which in ("second", "first")))


def bar_estimate(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Read the top of a bar off the axis."""
    index, period, axis = (
        _series_index(page, slots["series"]),
        find_word(page, slots["period"]),
        calibrate(labels_left(page)),
    )
    top = _bar_top(page, period, index) if period and index is not None else None
    return None if axis is None or top is None else f"{axis.value(top):.1f}"


def cell_value(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Read a cell of a table."""
    return _cell(page, slots["row"], slots["column"])


def column_names(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """List the words to the right of the head of the column of names."""
    head = find_word(page, VOCABULARIES[language].name_column)
    return ", ".join(word.text for word in same_row(page, head) if word.left > head.right) or None if head else None


def highest_row(page: Page, slots: Slots, language: Language) -> str | None:
    """Compare the cells of a column."""
    head = find_word(page, VOCABULARIES[language].name_column)
    below = [word for word in page.words if head and word.centre[1] > head.centre[1] + head.height / 2]
    names = [
        word for word in below if head and abs(word.left - head.left) < 2 * head.height and as_number(word.text) is None
    ]
    cells = {word.text: _parse(_cell(page, word.text, slots["column"]) or "") for word in names}
    present = {name: value for name, value in cells.items() if value is not None}
    return max(present, key=lambda name: present[name]) if present else None


def cell_difference(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Subtract two cells of a column."""
    return _subtract(*(_cell(page, slots[which], slots["column"]) for which in ("first", "second")))


def amount(page: Page, slots: Slots, language: Language) -> str | None:
    """Find the sentence that states an amount."""
    return _amount(page, slots["item"], slots["year"], language)


def issuer(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Take the company out of the title."""
    pattern = re.escape(VOCABULARIES[language].report).replace(r"\{company\}", "(.+?)").replace(r"\ ", r"\s*")
    return next((match[1] for word in page.words if (match := re.fullmatch(pattern, word.text))), None)


def next_section(page: Page, slots: Slots, language: Language) -> str | None:  # noqa: ARG001
    """Read the numbered titles from top to bottom."""
    ordered = sorted(page.words, key=lambda word: word.centre[1])
    titles = [match["title"].strip() for word in ordered if (match := SECTION.match(word.text))]
    if slots["section"] not in titles[:-1]:
        return None
    return titles[titles.index(slots["section"]) + 1]


def growth(page: Page, slots: Slots, language: Language) -> str | None:
    """Compute the growth of two stated amounts in percent."""
    amounts = [_amount(page, slots["item"], slots[which], language) for which in ("first", "second")]
    before, after = (_parse(re.sub(r"[^\d.,]", "", text)) if text else None for text in amounts)
    if not before or after is None:
        return None
    return f"{(100 * (after / before - 1)).quantize(Decimal('0.01'), ROUND_HALF_UP)}%"


def _parse(text: str) -> Decimal | None:
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None


def _subtract(first: str | None, second: str | None) -> str | None:
    values = [_parse(text) if text else None for text in (first, second)]
    return None if values[0] is None or values[1] is None else str(values[0] - values[1])


def _cell(page: Page, row_name: str, column_name: str) -> str | None:
    """Return the number in the row of one word whose right end is nearest to that of another."""
    row, column = find_word(page, row_name), find_word(page, column_name)
    if row is None or column is None or row is column:
        return None
    numbers = [word for word in same_row(page, row) if as_number(word.text) is not None]
    nearest = min(numbers, key=lambda word: abs(word.right - column.right), default=None)
    return nearest.text if nearest and abs(nearest.right - column.right) < 3 * column.height else None


def _periods(page: Page) -> list[Word]:
    """Return the period labels from left to right."""
    return sorted((word for word in page.words if PERIOD.fullmatch(word.text)), key=lambda word: word.centre[0])


def _legend(page: Page) -> list[Word]:
    """Return the words of the top row that are not numbers."""
    words = [word for word in page.words if as_number(word.text) is None and not PERIOD.search(word.text)]
    if not words:
        return []
    top = min(words, key=lambda word: word.centre[1])
    row = [word for word in words if abs(word.centre[1] - top.centre[1]) < 0.8 * top.height]
    return sorted(row, key=lambda word: word.left)


def _series_index(page: Page, series: str) -> int | None:
    names = [word.text for word in _legend(page)]
    return names.index(series) if series in names else None


def _slot(page: Page) -> float:
    """Distance between neighbouring periods."""
    centres = [word.centre[0] for word in _periods(page)]
    return float(np.median(np.diff(centres))) if len(centres) > 1 else 0.0


def _bar_label(page: Page, series: str, period: str) -> str | None:
    """Return the number over the bar of a series: as many numbers as series must stand over the period."""
    index, place = _series_index(page, series), find_word(page, period)
    if index is None or place is None or not PERIOD.fullmatch(place.text):
        return None
    numbers = [
        w for w in page.words if as_number(w.text) is not None and abs(w.centre[0] - place.centre[0]) < _slot(page) / 2
    ]
    inside = sorted(numbers, key=lambda word: word.centre[0])
    return inside[index].text if len(inside) == len(_legend(page)) else None


def _bar_top(page: Page, period: Word, index: int) -> float | None:
    """Return the row in which the bar of a series over a period begins."""
    half, legend = _slot(page) / 2, _legend(page)
    left, right = int(max(period.centre[0] - half, 0)), int(period.centre[0] + half)
    top, bottom = int(legend[0].centre[1] + legend[0].height), int(period.centre[1])
    mask = hue_mask(page.picture[top:bottom, left:right], make_theme("red_up", "light").lines[index])
    filled = np.flatnonzero(mask.sum(1) > 0.1 * (right - left))
    return float(top + filled[0]) if len(filled) else None


def _amount(page: Page, item: str, year: str, language: Language) -> str | None:
    """Search the wordings of stated amounts, with spaces optional and brackets of any width."""
    words = VOCABULARIES[language]
    stated = words.amount.format(value=r"[\d,]+\.\d+").replace(" ", r"\s*")
    for sentence in words.sentences:
        pattern = (
            re.escape(sentence).replace(r"\ ", r"\s*").replace(r"\{item\}", re.escape(item).replace(r"\ ", r"\s*"))
        )
        pattern = pattern.replace("，", "[,，]").replace("。", "").removesuffix(r"\.")
        pattern = pattern.replace(r"\{year\}", year).replace(r"\{amount\}", f"(?P<amount>{stated})")
        found = next((match for word in page.words if (match := re.search(pattern, word.text))), None)
        if found:
            return found["amount"]
    return None


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        bar_value, series_names, highest_period, period_change, bar_estimate, cell_value, column_names, highest_row,
        cell_difference, amount, issuer, next_section, growth,
    )
}  # fmt: skip
