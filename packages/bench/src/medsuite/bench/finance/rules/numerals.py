"""Chinese numerals, alone and mixed with digits: 一亿二千万, 1.2万亿, 2千3百万, 两万五, 百分之十二点五, 三成."""

import re
from decimal import Decimal

DIGITS = dict(zip("零〇一二两三四五六七八九", (0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
SMALL = {"十": 10, "百": 100, "千": 1000}
LARGE = {"万": 10**4, "亿": 10**8}
_NUMBER = r"\d+(?:\.\d+)?"
_TOKEN = re.compile(rf"{_NUMBER}|.")
_NUMERAL = r"[零〇一二两三四五六七八九十百千万亿]+(?:点[零〇一二三四五六七八九]+)?"
_RUN = re.compile(_NUMERAL)
_MIXED = re.compile(
    rf"(?:(?<![\d.]){_NUMBER}|[零〇一二两三四五六七八九])\s*(?:[十百万亿]|千(?![克瓦米]))"
    rf"(?:{_NUMBER}|[零〇一二两三四五六七八九十百千万亿])*"
)
_SHARE = re.compile(rf"(?P<whole>百|千|万|十)分之\s*(?P<part>{_NUMERAL}|{_NUMBER})")
_TENTHS = re.compile(
    r"(?P<tenths>[一二三四五六七八九]|(?<![\d.])\d(?:\.\d+)?)成(?P<more>[半一二三四五六七八九])?(?![为本功交立员长就熟果分])"
)
_FOLLOWS = "元股手倍个家次天只条根块人笔份年月日季点%角分万亿港美"
"""What may follow a single numeral that counts; other single numerals are parts of words."""


def digits_from_numerals(text: str) -> str:
    """Rewrite every Chinese numeral of a text in digits, percentages and tenths with a percent sign.

    Runs in linear time: no pattern can match one position in two ways.
    """
    text = _SHARE.sub(_rewrite_share, text.replace("负", "-"))
    text = _TENTHS.sub(_rewrite_tenths, text)
    text = _MIXED.sub(_rewrite_mixed, text)
    return _RUN.sub(_rewrite_run, text)


def numeral_value(numeral: str) -> Decimal:
    """Evaluate one numeral, whose digits may be Chinese or Arabic.

    A number stands before its unit; 万 and 亿 multiply all that came since the last larger unit; a last Chinese digit
    directly after a unit counts a tenth of it (两万五 is 25000). Without units the digits are read one by one.
    """
    whole, _, fraction = numeral.partition("点")
    if fraction:
        tail = "".join(str(DIGITS[digit]) for digit in fraction)
        return numeral_value(whole) + Decimal(f"0.{tail}")
    if len(whole) > 1 and all(character in DIGITS for character in whole):
        return Decimal("".join(str(DIGITS[digit]) for digit in whole))
    return _sum_of_units(_TOKEN.findall(whole))


def _sum_of_units(tokens: list[str]) -> Decimal:
    total = section = current = Decimal(0)
    unit, colloquial = 1, False
    for token in tokens:
        if token in SMALL:
            section += (current or Decimal(1)) * SMALL[token]
            unit, current = SMALL[token], Decimal(0)
        elif token in LARGE:
            group = section + current
            total = (total + group) * LARGE[token] if total < LARGE[token] else total + group * LARGE[token]
            section = current = Decimal(0)
            unit = LARGE[token]
        else:
            current = Decimal(DIGITS[token]) if token in DIGITS else Decimal(token)
            colloquial = token in DIGITS and unit > 10
            unit = 1 if DIGITS.get(token) == 0 else unit
    return total + section + (current * unit / 10 if colloquial and current else current)


def _rewrite_share(found: re.Match[str]) -> str:
    part = found["part"]
    value = Decimal(part) if part[0].isdigit() else numeral_value(part)
    return f"{plain_decimal(value * 100 / {**SMALL, **LARGE}[found['whole']])}%"


def _rewrite_tenths(found: re.Match[str]) -> str:
    tenths = found["tenths"]
    value = Decimal(tenths) if tenths[0].isdigit() else Decimal(DIGITS[tenths])
    more = 5 if found["more"] == "半" else DIGITS.get(found["more"], 0)
    return f"{plain_decimal(value * 10 + more)}%"


def _rewrite_mixed(found: re.Match[str]) -> str:
    compact = re.sub(r"\s", "", found[0])
    if _RUN.fullmatch(compact):
        return found[0]
    return _with_precision(compact)


def _with_precision(numeral: str) -> str:
    """Write 1234.56万 as 12345600 with an exponent mark that keeps the place of the last digit, 1234.56e4."""
    single = re.fullmatch(rf"({_NUMBER})([十百千万亿]+)", numeral)
    if not single:
        return plain_decimal(numeral_value(numeral))
    power = int(numeral_value(f"1{single[2]}")).bit_length() and len(str(int(numeral_value(f"1{single[2]}")))) - 1
    return f"{single[1]}e{power}"


def _rewrite_run(found: re.Match[str]) -> str:
    run, text, end = found[0], found.string, found.end()
    alone = found.start() == 0 and end == len(text)
    counted = end < len(text) and text[end] in _FOLLOWS
    if len(run) == 1 and (run in {**SMALL, **LARGE} or not (alone or counted)):
        return "10" if run == "十" and (alone or counted) else run
    if not any(character in DIGITS for character in run) and run[0] != "十":
        return run
    return plain_decimal(numeral_value(run))


def plain_decimal(value: Decimal) -> str:
    """Write a decimal without exponent and without zeros at its end."""
    return f"{value.normalize():f}"
