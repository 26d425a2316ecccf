"""Answers in words: a choice, a set of names, a short text, and the statement that there is no answer."""

import re
from collections.abc import Collection, Sequence

from medsuite.bench.finance.rules.quantity import quantities
from medsuite.bench.finance.rules.text import plain

_ABSTENTION = re.compile(
    r"not applicable|\bn/a\b|^(?:none|unknown|no answer)\W*$"
    r"|(?:not|n't) (?:shown|available|provided|displayed|drawn|visible|given|listed|included|covered|mentioned"
    r"|specified|stated|present)\b"
    r"|not in the (?:chart|picture|image|table)"
    r"|(?:cannot|can't|can not|unable to|(?:im|not )possible to) (?:be )?"
    r"(?:answer|determin|tell|say|read|find|know|see)"
    r"|there (?:is|are) no\b|\bno (?:data|information|such|value|mention|record)\b|\blacks?\b"
    r"|(?:does not|doesn't|do not|don't) (?:show|contain|include|have|provide|give|state|mention|list)"
    r"|不适用|^无\W*$|(?:无法|不能)(?:从.{1,6}中?)?(?:回答|判断|确定|得知|得出|看出|作答|获取|获得|读取|计算|找到)"
    r"|没有(?:显示|提供|给出|画出|标出|列出|提及|包含|相关|该|这|此|任何|对应|所问)"
    r"|未(?:显示|提供|给出|标出|提及|包含|涉及|列出|画出|体现|说明)|不(?:包含|包括|含|涉及|详)|未知|找不到|看不出"
    r"|(?:图|表|文)(?:片|表|格|档)?中(?:并)?(?:没有|无)|不存在",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"[,，、;；/|\n]|\band\b|\bor\b|和|与|及|或|以及")
_OPINION = re.compile(r"(?:\b|can)not\b|n't|\bneither\b|不|并非", re.IGNORECASE)
MOST_PIECES = 3
"""Pieces between commas and the like of an abstention: more of them are a list."""
LONGEST_EXTRA = 3
"""Words of a listed item that still counts as a name rather than as prose."""


def is_abstention(reply: str, options: Collection[str] = ()) -> bool:
    """Tell whether a reply says that the picture does not answer the question, and says nothing else.

    A reply that also carries a quantity or one of the question's options hedges, and does not count; nor does one that
    lists many things, of which the statement is only one.
    """
    text = plain(reply)
    if len(_SEPARATOR.split(text)) > MOST_PIECES:
        return False
    return bool(_ABSTENTION.search(text)) and not quantities(_without_names(text)) and not named_options(text, options)


def named_options(reply: str, options: Collection[str]) -> list[str]:
    """List the options that occur in a reply as whole words; a longer option hides a shorter one inside it."""
    text, found = plain(reply).lower(), []
    for option in sorted(options, key=len, reverse=True):
        text, count = _whole(option).subn(" ", text)
        if count:
            found.append(option)
    return found


def choice_is_right(reply: str, reference: str, options: Sequence[str]) -> bool:
    """Tell whether a reply names the right option and no other; a negated option is none."""
    if named_options(reply, options) != [reference]:
        return False
    before = plain(reply).lower()[: _whole(reference).search(plain(reply).lower()).start()]  # type: ignore[union-attr]
    return not _OPINION.search(before[-12:])


def set_score(reply: str, parts: Sequence[str]) -> float:
    """Score a list of names by the Jaccard index of named and right ones: 1 for exactly the right set.

    Items of up to three words that are none of the parts count as wrong names; longer ones are prose.
    """
    text = plain(reply).lower()
    named = [part for part in parts if _whole(part).search(text)]
    rest = text
    for part in sorted(parts, key=len, reverse=True):
        rest = _whole(part).sub("\n", rest)
    extras = {item for piece in _SEPARATOR.split(rest) if (item := piece.strip(" .:。：\"'()")) and _is_name(item)}
    return len(named) / (len(parts) + len(extras))


def text_is_right(reply: str, reference: str) -> bool:
    """Tell whether a short reply is the reference, or one sentence that names it and lists nothing."""
    given, expected = plain(reply).lower().strip(" .。\"'“”"), plain(reference).lower().strip(" .。")
    if _compact(given) == _compact(expected):
        return True
    if not expected:
        return False
    short = len(given) <= len(expected) + 80
    return (
        short and bool(_whole(expected).search(given)) and not _SEPARATOR.search(given) and not _OPINION.search(given)
    )


def _is_name(item: str) -> bool:
    """Tell whether a left-over item looks like a listed name: short, and not only a verb or an article."""
    words = item.split()
    return 0 < len(words) <= LONGEST_EXTRA and not re.search(
        r"\b(?:are|is|the|lines?|columns?|series|shows?)\b|是|有|为", item
    )


def _whole(name: str) -> re.Pattern[str]:
    """Match a name that is not part of a longer word or number; Chinese needs no boundary."""
    pattern = r"\s*".join(re.escape(part) for part in plain(name).lower().split())
    start = r"(?<![a-z0-9])" if name[:1].isascii() else ""
    end = r"(?![a-z0-9]|\.\d)" if name[-1:].isascii() else ""
    return re.compile(start + pattern + end)


def _without_names(text: str) -> str:
    """Blank out names that end in digits, such as MA60, which say what is missing and are no answer."""
    return re.sub(r"[A-Za-z]+\s?\d+(?:\(\d+(?:,\s*\d+)*\))?|(?<!\d)(?:19|20)\d\d(?!\d)(?:Q[1-4]|年)?", " ", text)


def _compact(text: str) -> str:
    return re.sub(r"\s+", "", text)
