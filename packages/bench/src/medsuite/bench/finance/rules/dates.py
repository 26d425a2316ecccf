"""Dates and quarters as answers; an order of day and month that cannot be known is no date."""

import datetime
import re

from medsuite.bench.finance.rules.text import plain

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_DATES = (
    re.compile(r"(?<!\d)(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<year>\d{4})\s*年\s*(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*日"),
    re.compile(r"\b(?P<month>[A-Za-z]{3,9})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})\b"),
    re.compile(r"\b(?P<day>\d{1,2})(?:st|nd|rd|th)?\s+(?P<month>[A-Za-z]{3,9})\.?,?\s+(?P<year>\d{4})\b"),
)
_QUARTERS = (
    re.compile(r"(?<!\d)(?P<year>\d{4})\s*年?\s*Q(?P<quarter>[1-4])(?!\d)", re.IGNORECASE),
    re.compile(r"\bQ(?P<quarter>[1-4])\s*(?:of\s+|/)?(?P<year>\d{4})\b", re.IGNORECASE),
    re.compile(r"(?<!\d)(?P<year>\d{4})\s*年?\s*第?\s*(?P<quarter>[1-4一二三四])\s*季度"),
    re.compile(
        r"\b(?P<quarter>first|second|third|fourth)\s+quarter\s+(?:of\s+)?(?:fy\s?)?(?P<year>\d{4})\b", re.IGNORECASE
    ),
    re.compile(r"(?<![\dA-Za-z])(?P<quarter>[1-4])Q(?P<year>\d{4}|\d{2})(?!\d)", re.IGNORECASE),
    re.compile(r"\bQ(?P<quarter>[1-4])\s?'(?P<year>\d{2})(?!\d)", re.IGNORECASE),
)
_ORDINALS = ("一二三四", ("first", "second", "third", "fourth"))

Date = tuple[int, ...]
"""Year, month and day; or year and quarter."""


def dates(text: str) -> set[Date]:
    """Find the full dates and the quarters with a year that a text names; days that do not exist are left out."""
    text = plain(text)
    found = {_date(match) for pattern in _DATES for match in pattern.finditer(text)}
    found |= {_quarter(match) for pattern in _QUARTERS for match in pattern.finditer(text)}
    return {date for date in found if date is not None}


def date_is_right(reply: str, reference: str) -> bool:
    """Tell whether a reply names exactly the date or quarter of the reference."""
    return dates(reply) == dates(reference)


def _date(match: re.Match[str]) -> Date | None:
    month = match["month"]
    number = int(month) if month.isdigit() else _MONTHS.get(month[:3].lower(), 0)
    try:
        datetime.date(int(match["year"]), number, int(match["day"]))
    except ValueError:
        return None
    return int(match["year"]), number, int(match["day"])


def _quarter(match: re.Match[str]) -> Date:
    """Return year and quarter; two digits of a year are of this century."""
    quarter, year = match["quarter"].lower(), int(match["year"])
    names = next((names for names in _ORDINALS if quarter in names), None)
    return year + 2000 * (year < 100), int(quarter) if names is None else names.index(quarter) + 1
