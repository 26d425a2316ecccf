"""Quantities in free text: value, place of the last digit, kind (plain, percent, points, other unit) and currency."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from medsuite.bench.finance.rules.numerals import digits_from_numerals
from medsuite.bench.finance.rules.text import plain

Kind = Literal["number", "percent", "points", "other"]

_MASKS = (
    r"(?<!\d)\d{4}\s*[-/.]\s*\d{1,2}\s*[-/.]\s*\d{1,2}(?!\d)",
    r"(?<!\d)\d{1,2}/\d{1,2}/\d{4}(?!\d)",
    r"\d{4}年(?:\d{1,2}月)?(?:\d{1,2}日)?|\d{1,2}月(?:\d{1,2}日)?",
    r"(?<![A-Za-z\d])(?:19|20)\d\d\s*[QH][1-4](?!\d)|(?<![A-Za-z])[QH][1-4]\s*(?:of\s+)?(?:(?:19|20)\d\d)?(?!\d)",
    r"第[1-4一二三四]季度",
    r"(?i)\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+\d{1,2}(?:st|nd|rd|th)?(?:,?\s+\d{4})?\b",
    r"(?i)\b\d{1,2}\s+(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?(?:\s+\d{4})?\b",
    r"(?i)\b(?:in|since|during|year|fy|fiscal)\s*(?:19|20)\d\d\b(?![.,]?\d)",
    r"(?i)\b(?:MA|EMA|SMA|RSI|KDJ|MACD|BOLL|WR|CCI|VOL|DMI|BIAS|OBV|ATR)\s*\d*\s*\(\s*\d+(?:\s*,\s*\d+)*\s*\)",
    r"(?i)(?<![A-Za-z\d])(?!USD|US|HKD|HK|RMB|CNY|EUR|GBP|JPY)[A-Za-z]+-?\d+(?![\d]*\.\d)(?![\d,]*[%\d])",
    r"(?i)\b\d+[- ](?:day|days|week|month|year|years|day's|period)\b|(?<!\d)\d+(?:st|nd|rd|th)\b",
    r"(?<!\d)\d+日(?:均线|线)",
)
_MASK = re.compile("|".join(f"(?:{mask.replace('(?i)', '')})" for mask in _MASKS), re.IGNORECASE)

_NUMBER = (
    r"\d{1,4}(?:,\d{4})+(?:\.\d+)?(?![\d,])|\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d{1,3}(?:'\d{3})+(?:\.\d+)?(?!\d)"
    r"|\d{1,3}(?:\.\d{3}){2,}(?![\d.])|\d+(?:\.\d+)?|\.\d+"
)
_POWER = r"(?:\s?[x×*]\s?10\s?\^?\s?(?P<power>[+-]?\d{1,2})|[eE](?P<exponent>[+-]?\d{1,2}))?"
_CURRENCY_BEFORE = r"(?:(?P<before>US\$|HK\$|C\$|A\$|\$|¥|€|£|USD|HKD|RMB|CNY|EUR|GBP|JPY)\s?)?"
_QUANTITY = re.compile(
    rf"(?P<open>\()?\s?(?P<outer>(?<![\d.)])[-+]\s?|(?:minus|negative)\s)?{_CURRENCY_BEFORE}(?P<inner>[-+])?"
    rf"(?P<number>{_NUMBER}){_POWER}"
    r"(?P<close>\))?\s?(?P<scale>thousand|million|billion|trillion|mln|mn|bn|tn|[KMBTkmbt](?![A-Za-z]))?"
    r"\s?(?P<unit>percentage\spoints?|percent|per\scent|pct|%|‰|bps?(?![A-Za-z])|basis\spoints?|个?百分点|个?基点|pp(?![A-Za-z])"
    r"|千克|公斤|吨|kg(?![A-Za-z]))?"
    r"(?P<late>\))?\s?(?P<after>美元|港元|港币|欧元|英镑|日元|人民币|元|USD|HKD|RMB|CNY|EUR|GBP|JPY|US\sdollars?|dollars?|yuan)?",
    re.IGNORECASE,
)
_SCALES = {"thousand": 3, "k": 3, "million": 6, "mln": 6, "mn": 6, "m": 6, "billion": 9, "bn": 9, "b": 9}
_SCALES |= {"trillion": 12, "tn": 12, "t": 12}
_UNITS: dict[str, tuple[Kind, int]] = {"percent": ("percent", 0), "per cent": ("percent", 0), "pct": ("percent", 0)}
_UNITS |= {"%": ("percent", 0), "‰": ("percent", -1), "bp": ("points", -2), "bps": ("points", -2)}
_UNITS |= {
    "basis point": ("points", -2),
    "basis points": ("points", -2),
    "基点": ("points", -2),
    "个基点": ("points", -2),
}
_UNITS |= {"百分点": ("points", 0), "个百分点": ("points", 0), "pp": ("points", 0)}
_UNITS |= {"percentage point": ("points", 0), "percentage points": ("points", 0)}
_CURRENCIES = {"us$": "USD", "$": "USD", "usd": "USD", "美元": "USD", "us dollar": "USD", "us dollars": "USD"}
_CURRENCIES |= {"dollar": "USD", "dollars": "USD", "hk$": "HKD", "hkd": "HKD", "港元": "HKD", "港币": "HKD"}
_CURRENCIES |= {"rmb": "CNY", "cny": "CNY", "元": "CNY", "人民币": "CNY", "yuan": "CNY", "eur": "EUR", "€": "EUR"}
_CURRENCIES |= {"欧元": "EUR", "gbp": "GBP", "£": "GBP", "英镑": "GBP", "jpy": "JPY", "日元": "JPY"}


@dataclass(frozen=True)
class Quantity:
    """A number with what its text says about it.

    Attributes:
        value: The value; a percentage in percent, points and basis points in percentage points.
        place: Value of one unit in the last printed digit.
        kind: Plain number, percent, percentage points, or a quantity of another unit.
        currency: Three letters, empty where none or an ambiguous one is named.
        span: Where it stands in the rewritten text.
    """

    value: Decimal
    place: Decimal
    kind: Kind
    currency: str
    span: tuple[int, int]

    def agrees(self, other: "Quantity") -> bool:
        """Tell whether two quantities are the same up to the rounding of the coarser one."""
        comparable = self.kind == other.kind or {self.kind, other.kind} == {"percent", "points"}
        return comparable and abs(self.value - other.value) <= max(self.place, other.place) / 2


def rewrite(text: str) -> str:
    """Unify characters, blank out names and dates, and turn Chinese numerals into digits."""
    return digits_from_numerals(_MASK.sub(lambda found: " " * len(found[0]), plain(text)))


def quantities(text: str) -> list[Quantity]:
    """Find all quantities of a text, except digits that belong to names, dates, quarters and parameters.

    Where nothing else is left, a lone name or year is read as a number: `2024` asked for as a number is one.
    """
    found = _scan(rewrite(text))
    return found or _scan(digits_from_numerals(plain(text)))


def _scan(text: str) -> list[Quantity]:
    return [_quantity(match, text) for match in _QUANTITY.finditer(text)]


def _quantity(match: re.Match[str], text: str) -> Quantity:
    digits = match["number"].replace(",", "").replace("'", "")
    digits = digits.replace(".", "") if digits.count(".") > 1 else digits
    kind, shift = _UNITS.get((match["unit"] or "").lower(), ("other" if match["unit"] else "number", 0))
    shift += _SCALES.get((match["scale"] or "").lower(), 0) + int(match["power"] or match["exponent"] or 0)
    value = Decimal(digits).scaleb(shift)
    place = Decimal(1).scaleb(shift - len(digits.partition(".")[2]))
    bracketed = bool(match["open"] and (match["close"] or match["late"])) and match[0].strip() == text.strip()
    sign = (match["outer"] or "").strip().lower() in ("-", "minus", "negative") or match["inner"] == "-"
    symbol = (match["before"] or match["after"] or "").lower()
    return Quantity(-value if sign or bracketed else value, place, kind, _CURRENCIES.get(symbol, ""), match.span())
