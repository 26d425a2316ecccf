"""Quantities in free text: value, place of the last digit, kind (plain, percent, points, other unit) and currency."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from medsuite.bench.finance.rules.numerals import digits_from_numerals
from medsuite.bench.finance.rules.text import plain, without_markup

Kind = Literal["number", "percent", "points", "other"]

_MASKS = (
    r"(?<!\d)\d{4}\s*[-/.]\s*\d{1,2}\s*[-/.]\s*\d{1,2}(?!\d)",
    r"(?<!\d)\d{1,2}/\d{1,2}/\d{4}(?!\d)",
    r"\d{4}年(?:\d{1,2}月)?(?:\d{1,2}日)?|\d{1,2}月(?:\d{1,2}日)?",
    r"(?<![A-Za-z\d])(?:19|20)\d\d\s*[QH][1-4](?!\d)|(?<![A-Za-z])[QH][1-4]\s*(?:of\s+)?(?:(?:19|20)\d\d|'\d\d)?(?!\d)",
    r"(?<![A-Za-z\d.])[1-4][QH](?:19|20)?\d\d(?!\d)",
    r"第\d+(?:季度|名|位|页|行|列)|第[一二三四]季度|前\d+(?:大|名|位|家)",
    r"(?i)\b(?:top|no\.)\s?\d+(?![\d.,]*\d)",
    r"(?<![\d:])\d{1,2}:[0-5]\d(?::[0-5]\d)?(?![\d:])",
    r"(?m)^\s*\d{1,2}[.)]\s+(?=[A-Za-z\u4e00-\u9fff])",
    r"(?i)\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?\s+\d{1,2}(?:st|nd|rd|th)?(?:,?\s+\d{4})?\b",
    r"(?i)\b\d{1,2}\s+(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?(?:\s+\d{4})?\b",
    r"(?i)\b(?:in|since|during|year|fy|fiscal)\s*(?:19|20)\d\d\b(?![.,]?\d)",
    r"(?i)\b(?:MA|EMA|SMA|RSI|KDJ|MACD|BOLL|WR|CCI|VOL|DMI|BIAS|OBV|ATR)\s*\d*\s*\(\s*\d+(?:\s*,\s*\d+)*\s*\)",
    r"(?i)(?<![A-Za-z\d])(?!USD|US|HKD|HK|RMB|CNY|EUR|GBP|JPY)[A-Za-z]+-?\d+(?![\d]*\.\d)(?![\d,]*[%\d])",
    r"(?i)\b\d+[- ](?:day|days|week|month|year|years|day's|period)\b|(?<!\d)\d+(?:st|nd|rd|th)\b",
    r"(?<!\d)\d+日(?:均线|线)",
)
_FLAG = re.compile(r"^\(\?[im]\)")
_MASK = re.compile("|".join(f"(?:{_FLAG.sub('', mask)})" for mask in _MASKS), re.IGNORECASE | re.MULTILINE)

_NUMBER = (
    r"\d{1,4}(?:,\d{4})+(?:\.\d+)?(?![\d,])|\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d{1,3}(?:'\d{3})+(?:\.\d+)?(?!\d)"
    r"|\d{1,3}(?:\.\d{3}){2,}(?![\d.])|\d+(?:\.\d+)?|\.\d+"
)
_POWER = r"(?:\s?[x×*]\s?10\s?(?:\^|\*\*)\s?\{?(?P<power>[+-]?\d{1,2})\}?|[eE](?P<exponent>[+-]?\d{1,2}))?"
_CURRENCY_BEFORE = (
    r"(?:(?P<before>US\$|HK\$|C\$|A\$|\$|¥|€|£|USD|HKD|RMB|CNY|EUR|GBP|JPY|人民币|港币|港元|美元|欧元|英镑|日元)\s?)?"
)
_QUANTITY = re.compile(
    rf"(?P<open>\()?\s?(?P<outer>(?<![\d.)])[-+]\s?|(?:minus|negative)\s)?{_CURRENCY_BEFORE}(?P<inner>[-+])?"
    rf"(?P<number>{_NUMBER}){_POWER}"
    r"(?P<close>\))?\s?(?P<scale>thousand|million|billion|trillion|mln|mn|bn|tn|(?:mil|bil|mm|[kmbt])(?![A-Za-z]))?"
    r"\s?(?P<unit>percentage\spoints?|percent|per\scent|pct|%|‰|bps?(?![A-Za-z])|basis\spoints?|个?百分点|个?基点|pp(?![A-Za-z])"
    r"|千克|公斤|吨|kg(?![A-Za-z]))?"
    r"(?P<late>\))?\s?(?P<after>美元|美金|港元|元?港币|欧元|英镑|日元|元?人民币|元|USD|HKD|RMB|CNY|EUR|GBP|JPY"
    r"|(?:US|Hong\sKong|HK)\sdollars?|dollars?|euros?|pounds?|yen|yuan)?",
    re.IGNORECASE,
)
_SCALES = {"thousand": 3, "k": 3, "million": 6, "mln": 6, "mil": 6, "mn": 6, "mm": 6, "m": 6}
_SCALES |= {"billion": 9, "bil": 9, "bn": 9, "b": 9}
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
_CURRENCIES |= {"欧元": "EUR", "gbp": "GBP", "£": "GBP", "英镑": "GBP", "jpy": "JPY", "日元": "JPY", "yen": "JPY"}
_CURRENCIES |= {"euro": "EUR", "euros": "EUR", "pound": "GBP", "pounds": "GBP", "美金": "USD"}
_CURRENCIES |= {"元人民币": "CNY", "元港币": "HKD"}
_CURRENCIES |= {f"{place} {word}": "HKD" for place in ("hk", "hong kong") for word in ("dollar", "dollars")}
DENIAL = len("not ")
_DENIED = re.compile(r"(?:\bnot|n't|不是|并非|≠|!=)\s?$", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d")


_MINUS_BEFORE_BRACKET = re.compile(r"^\s*-(?=\s?\([^()]*\)\s*$)")


@dataclass(frozen=True)
class Quantity:
    """A number with what its text says about it.

    Attributes:
        value: The value; a percentage in percent, points and basis points in percentage points.
        place: Value of one unit in the last printed digit.
        kind: Plain number, percent, percentage points, or a quantity of another unit.
        currency: Three letters, empty where none or an ambiguous one is named.
        span: Where it stands in the rewritten text.
        maybe_year: Whether it is four digits alone that may name a year.
    """

    value: Decimal
    place: Decimal
    kind: Kind
    currency: str
    span: tuple[int, int]
    maybe_year: bool = False

    def agrees(self, other: "Quantity") -> bool:
        """Tell whether two quantities are the same up to the rounding of the coarser one; 0.125 is 12.5 %."""
        if {self.kind, other.kind} == {"number", "percent"}:
            share, percent = (self, other) if other.kind == "percent" else (other, self)
            return abs(100 * share.value - percent.value) <= max(100 * share.place, percent.place) / 2
        comparable = self.kind == other.kind or {self.kind, other.kind} == {"percent", "points"}
        return comparable and abs(self.value - other.value) <= max(self.place, other.place) / 2


def rewrite(text: str) -> str:
    """Unify characters, drop markup, blank out names and dates, and turn Chinese numerals into digits."""
    return digits_from_numerals(_MASK.sub(lambda found: " " * len(found[0]), without_markup(plain(text))))


def measured(text: str) -> list[Quantity]:
    """Find all quantities of a text that do not belong to a name or a date, even where nothing else is left."""
    return _scan(rewrite(text))


def quantities(text: str) -> list[Quantity]:
    """Find all quantities of a text, except digits of names, dates, quarters and parameters, and denied ones (not 5).

    Where nothing else is left, a lone name or year is read as a number: `2024` asked for as a number is one.
    """
    return measured(text) or _scan(digits_from_numerals(without_markup(plain(text))))


def _scan(text: str) -> list[Quantity]:
    # A bracket alone is negative already.
    text = _MINUS_BEFORE_BRACKET.sub(lambda found: " " * len(found[0]), text)
    return [_quantity(match, text) for match in _QUANTITY.finditer(text) if not _is_denied(text, match.start())]


def _is_denied(text: str, start: int) -> bool:
    return _DENIED.search(text, max(start - DENIAL, 0), start) is not None


def _quantity(match: re.Match[str], text: str) -> Quantity:
    digits = match["number"].replace(",", "").replace("'", "")
    digits = digits.replace(".", "") if digits.count(".") > 1 else digits
    kind, shift = _UNITS.get((match["unit"] or "").lower(), ("other" if match["unit"] else "number", 0))
    shift += _SCALES.get((match["scale"] or "").lower(), 0) + int(match["power"] or match["exponent"] or 0)
    value = Decimal(digits).scaleb(shift)
    place = Decimal(1).scaleb(shift - len(digits.partition(".")[2]))
    bracketed = bool(match["open"] and (match["close"] or match["late"])) and match[0].strip() == text.strip()
    sign = (match["outer"] or "").strip().lower() in ("-", "minus", "negative") or match["inner"] == "-"
    named = (_CURRENCIES.get(" ".join((match[place] or "").lower().split()), "") for place in ("before", "after"))
    year = kind == "number" and bool(_YEAR.fullmatch(match[0].strip()))
    signed = -value if sign or bracketed else value
    return Quantity(signed, place, kind, next(filter(None, named), ""), match.span(), year)
