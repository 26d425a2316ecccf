"""Word times from Praat TextGrid files in their three forms: long, short and chronological.

Real transcripts of ds003020 come in more than one form and encoding, and the phones tier of some has overlapping
boundaries. Only one tier is read, its intervals keep the order of their onsets, and overlaps are allowed.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from medsuite.core.errors import InputError

# A string in quotes (a quote in it is doubled) or a free-standing number; everything else in the file is decoration.
TOKEN = re.compile(r'"((?:[^"]|"")*)"|(?<![\w.\[<!-])(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.\]>])')
SILENCES = frozenset({"", "sp", "sil", "br", "lg", "ls", "ns", "cg", "sl", "sentence_start", "sentence_end"})
"""Labels of silences, breaths, noises and sentence marks, which are no words; nor is one in braces, angles or brackets.

Fillers such as "uh" were said and are kept, as in the scores of Tang et al. (2023)."""

HEADER = 4
"""Values before the number of tiers: "ooTextFile", "TextGrid", start and end."""

Token = str | float


@dataclass(frozen=True)
class Word:
    """A word and when it was heard.

    Attributes:
        text: The word, in lower case.
        onset: Start in seconds from the beginning of the sound.
        offset: End in seconds.
    """

    text: str
    onset: float
    offset: float


@dataclass(frozen=True)
class Interval:
    """One interval of a tier: start and end in seconds, and its label."""

    start: float
    end: float
    label: str


def read_words(path: Path) -> list[Word]:
    """Read the words of a transcript from the tier called `word` or `words`, without silences and noises.

    Args:
        path: A TextGrid file, UTF-8 or UTF-16, with or without byte-order mark.

    Raises:
        InputError: There is no such file, it is no TextGrid or cut off, or it has no tier of words.
    """
    tiers = read_tiers(path)
    named = {name.strip().lower(): intervals for name, intervals in tiers.items()}
    intervals = named.get("words", named.get("word"))
    if intervals is None:
        raise InputError(f"{path} has the tiers {', '.join(tiers) or 'none'}", expected="a tier called word or words")
    return [
        Word(interval.label.strip().lower(), interval.start, interval.end)
        for interval in sorted(intervals, key=lambda interval: interval.start)
        if is_word(interval.label)
    ]


def read_tiers(path: Path) -> dict[str, list[Interval]]:
    """Read the interval tiers of a TextGrid file; point tiers are read over.

    Args:
        path: As in `read_words`.

    Raises:
        InputError: There is no such file, or it is no TextGrid or cut off.
    """
    tokens = _tokens(path)
    chronological = any("chronological" in token for token in tokens[:2] if isinstance(token, str))
    try:
        return _chronological(tokens) if chronological else _by_tier(tokens)
    except (IndexError, ValueError, TypeError) as error:
        raise InputError(f"{path} ends in the middle or is damaged", fix="copy the TextGrid again") from error


def is_word(label: str) -> bool:
    """Tell a word from a silence, a noise or a tag."""
    text = label.strip().lower()
    return text not in SILENCES and not text.startswith(("{", "<", "["))


def _tokens(path: Path) -> list[Token]:
    text = _decode(path)
    if "TextGrid" not in text[:200]:
        raise InputError(f"{path} is no TextGrid", expected='a Praat file with "TextGrid" in its first lines')
    if "chronological" in text[:200]:
        # Comments run from an exclamation mark outside quotes to the end of the line.
        text = re.sub(r'("(?:[^"]|"")*")|![^\r\n]*', lambda match: match[1] or "", text)
    return [float(match[2]) if match[2] is not None else match[1].replace('""', '"') for match in TOKEN.finditer(text)]


def _decode(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", expected="a TextGrid file") from error
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _by_tier(tokens: list[Token]) -> dict[str, list[Interval]]:
    """Long and short form: header, then tier after tier, each `class name start end count` and its entries."""
    count, at = int(_number(tokens[HEADER])), HEADER + 1
    tiers: dict[str, list[Interval]] = {}
    for _ in range(count):
        kind, name, entries = tokens[at], str(tokens[at + 1]), int(_number(tokens[at + 4]))
        at += 5
        width = 3 if kind == "IntervalTier" else 2
        if kind == "IntervalTier":
            tiers[name] = [_interval(tokens[at + 3 * entry : at + 3 * entry + 3]) for entry in range(entries)]
        elif kind != "TextTier":
            raise ValueError(kind)
        at += width * entries
    return tiers


def _chronological(tokens: list[Token]) -> dict[str, list[Interval]]:
    """Chronological form: all tiers' names first, then `tier start end label` in the order of time."""
    at = 1
    count, at = int(_number(tokens[at + 2])), at + 3
    heads = [(tokens[at + 4 * tier], str(tokens[at + 4 * tier + 1])) for tier in range(count)]
    at += 4 * count
    tiers: dict[str, list[Interval]] = {name: [] for kind, name in heads if kind == "IntervalTier"}
    while at < len(tokens):
        kind, name = heads[int(_number(tokens[at])) - 1]
        if kind == "IntervalTier":
            tiers[name].append(_interval(tokens[at + 1 : at + 4]))
        at += 4 if kind == "IntervalTier" else 3
    return tiers


def _interval(tokens: list[Token]) -> Interval:
    start, end, label = tokens
    if not isinstance(label, str):
        raise TypeError(label)
    interval = Interval(_number(start), _number(end), label)
    if not 0 <= interval.end - interval.start < float("inf"):
        raise ValueError(interval)
    return interval


def _number(token: Token) -> float:
    if isinstance(token, str):
        raise TypeError(token)
    return token
