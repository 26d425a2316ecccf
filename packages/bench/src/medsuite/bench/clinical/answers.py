r"""Reading a number out of an answer in words.

The grammar, in this order:

1. Full-width characters become ordinary ones. A thinking block in front is cut off; one that never closed leaves
   nothing.
2. `answer: 1`, `the answer is 1`, also with emphasis or in `boxed`: the last such statement counts. One that offers
   a choice (`answer: 1 or 0`) is none.
3. Otherwise every number that stands alone counts, a list's numbering left out; all must be one label.
4. Otherwise the whole answer may be the word of a number, or yes or no where there are two labels.

A number beside a point, comma, sign or letter ("1.5", "10 %", "E11") stands for something else, and so does one before
a unit of time ("within 1 week"). Two different labels without a statement are no answer, and neither is a number that
is no label.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from medsuite.core.llm import State
from medsuite.core.llm.states import without_thinking

_STATED = re.compile(
    r"(?:\banswer\b(?:\s+is)?|\bprediction\b(?:\s+is)?|\bboxed)[\s*_]*[:=]?\s*[\s*_`'\"({\[]*"
    r"(?P<number>\d+(?:[.,]\d+)?)(?![\d%])(?P<choice>\s*(?:/|-|or\b|and\b|to\b)\s*\d)?",
    re.IGNORECASE,
)
_ALONE = re.compile(
    r"(?<![\w.,/:+-])(?P<number>\d+)(?![\w%/:-]|[.,]\d)(?!\s*(?:%|(?:percent|hours?|days?|weeks?|months?|years?)\b))",
    re.IGNORECASE,
)
_NUMBERING = re.compile(r"^\s*(?:\d+[.)]|step\s+\d+:?)\s+(?=\S)", re.IGNORECASE | re.MULTILINE)
_WORDS = {"zero": 0, "one": 1, "two": 2, "three": 3}
_REFUSAL = re.compile(r"\b(?:i (?:can(?:no|')t|am (?:not able|unable)|won't)|as an ai)\b", re.IGNORECASE)


class Reading(NamedTuple):
    """What an answer says.

    Attributes:
        state: `answered`, `empty`, `refused`, or `unparsable`.
        label: The label; None unless answered.
    """

    state: State
    label: int | None


def read_answer(text: str, labels: Sequence[int]) -> Reading:
    """Read the label that an answer settles on; the module's text is the grammar.

    Args:
        text: The model's words.
        labels: The labels that were asked for.
    """
    plain = unicodedata.normalize("NFKC", without_thinking(text)).strip()
    if not plain:
        return Reading("empty", None)
    stated = list(_STATED.finditer(plain))
    if stated and stated[-1]["choice"]:
        return Reading("unparsable", None)
    counted = stated[-1:] or _ALONE.finditer(_NUMBERING.sub("", plain))
    numbers = {match["number"] for match in counted}
    if numbers:
        return _settle(numbers, labels)
    word = plain.lower().strip(" .!*")
    words = _WORDS | ({"no": labels[0], "yes": labels[-1]} if len(labels) == 2 else {})
    if words.get(word) in labels:
        return Reading("answered", words[word])
    return Reading("refused" if _REFUSAL.search(plain) else "unparsable", None)


def _settle(numbers: set[str], labels: Sequence[int]) -> Reading:
    known = {str(label): label for label in labels}
    if len(numbers) == 1 and (number := numbers.pop()) in known:
        return Reading("answered", known[number])
    return Reading("unparsable", None)
