"""Chinese numerals, alone and mixed with digits: 一亿二千万, 1.2万亿, 2千3百万, 两万五, 百分之十二点五, 三成, 壹佰."""

import re
from decimal import Decimal

DIGITS = dict(zip("零〇一二两三四五六七八九", (0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
SMALL = {"十": 10, "百": 100, "千": 1000}
LARGE = {"万": 10**4, "亿": 10**8}
_NUMBER = r"\d+(?:\.\d+)?"
_TOKEN = re.compile(rf"{_NUMBER}|.")
_NUMERAL = r"[零〇一二两三四五六七八九十百千万亿]+(?:点[零〇一二三四五六七八九]+)?"
_RUN = re.compile(rf"(?P<numeral>{_NUMERAL})(?P<unit>(?<=[零〇一二三四五六七八九])[十百千万亿]+)?")
_MIXED = re.compile(
    rf"(?:(?<![\d.]){_NUMBER}|[零〇一二两三四五六七八九])\s*(?:[十百万亿]|千(?![克瓦米]))"
    rf"(?:{_NUMBER}|[零〇一二两三四五六七八九十百千万亿])*"
)
_SHARE = re.compile(rf"(?P<whole>百|千|万|十)分之\s*(?P<sign>-?)(?P<part>{_NUMERAL}|{_NUMBER})")
_TENTHS = re.compile(
    r"(?P<tenths>[一二两三四五六七八九]|(?<![\d.])\d(?:\.\d+)?)成(?P<more>[半一二三四五六七八九])?(?![为本功交立员长就熟果分])"
)
_FORMAL = re.compile("(?<!大)[零壹贰貳叁參肆伍陆陸柒捌玖拾佰仟万萬亿億点點]{2,}")
_TRADITIONAL = re.compile(r"(?<=[\d一二两兩三四五六七八九十百千])\s*[萬億]+")
_SIMPLE = str.maketrans("壹贰貳叁參肆伍陆陸柒捌玖拾佰仟萬億點兩負圆圓", "一二二三三四五六六七八九十百千万亿点两负元元")
_GUESS = re.compile(r"[一二两三四五六七八九]{2}[十百千万亿]")
_FOLLOWS = "元股手倍个家次天只条根块人笔份年月日季点%角分万亿港美"
"""What may follow a single numeral that counts; other single numerals are parts of words."""


def digits_from_numerals(text: str) -> str:
    """Rewrite every Chinese numeral of a text in digits, percentages and tenths with a percent sign.

    Traditional and formal characters (萬, 壹佰) count as the simple ones, a single formal one only as part of a word
    (大陆). Guesses such as 三五百万 and 几百万 have no value and stay. Runs in linear time: no pattern can match one
    position in two ways.
    """
    text = _FORMAL.sub(lambda found: found[0].translate(_SIMPLE), re.sub("[負负]的?", "-", text))
    text = _TRADITIONAL.sub(lambda found: found[0].translate(_SIMPLE), text)
    text = _SHARE.sub(_rewrite_share, text)
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
    return f"{found['sign']}{plain_decimal(value * 100 / {**SMALL, **LARGE}[found['whole']])}%"


def _rewrite_tenths(found: re.Match[str]) -> str:
    tenths = found["tenths"]
    value = Decimal(tenths) if tenths[0].isdigit() else Decimal(DIGITS[tenths])
    more = 5 if found["more"] == "半" else DIGITS.get(found["more"], 0)
    return f"{plain_decimal(value * 10 + more)}%"


def _rewrite_mixed(found: re.Match[str]) -> str:
    compact = re.sub(r"\s", "", found[0])
    if re.fullmatch(_NUMERAL, compact):
        return found[0]
    return _with_precision(compact)


def _with_precision(numeral: str) -> str:
    """Write 1234.56万 as 12345600 with an exponent mark that keeps the place of the last digit, 1234.56e4."""
    single = re.fullmatch(rf"({_NUMBER})([十百千万亿]+)", numeral)
    if not single:
        return plain_decimal(numeral_value(numeral))
    unit = int(numeral_value(f"1{single[2]}"))  # a power of ten
    return f"{single[1]}e{len(str(unit)) - 1}"


def _rewrite_run(found: re.Match[str]) -> str:
    run, text, end = found["numeral"], found.string, found.end()
    if found["unit"]:  # only after a fraction: 一点二亿
        return _with_precision(f"{plain_decimal(numeral_value(run))}{found['unit']}")
    alone = found.start() == 0 and end == len(text)
    counted = end < len(text) and text[end] in _FOLLOWS
    if len(run) == 1 and (run in {**SMALL, **LARGE} or not (alone or counted)):
        return "10" if run == "十" and (alone or counted) else run
    if (not any(character in DIGITS for character in run) and run[0] != "十") or _GUESS.search(run):
        return run
    return plain_decimal(numeral_value(run))


def plain_decimal(value: Decimal) -> str:
    """Write a decimal without exponent and without zeros at its end."""
    return f"{value.normalize():f}"
