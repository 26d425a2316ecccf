"""From a completion to the letter that it gives, under three strictnesses; one scan from left to right.

Malformed output is a class of its own with a reason, never silently a wrong answer: a model that answers well and
formats badly is told from one that answers badly.
"""

import re
from dataclasses import dataclass

from medsuite.core.errors import unknown_name
from medsuite.med_r1.schema import LETTERS

STRICTNESSES = ("exact", "strict", "tolerant")
"""`exact`: think block, one letter in the answer block, nothing else. `strict`: the released evaluation, one capital
letter in the first answer block that holds one. `tolerant`: additionally lower case, `(B)`, `B.`, `B) text`, `Option B`
and an answer without tags."""

_OPEN = re.compile("<answer>", re.IGNORECASE)
_CLOSE = re.compile("</answer>", re.IGNORECASE)
_BRIDGE = re.compile(r"</think>\s*<answer>")
_STRICT = re.compile(r"<answer>\s*([A-Z])\s*</answer>")
# The letter's case is written out: in Python's IGNORECASE a dotless i is an I.
_LONE = re.compile(r"(?:(?i:option|answer|choice)(?:\s+(?i:is))?[\s:]*)?[(\[]?([A-Ja-j])(?:[)\].:,]|\s*$)")
_LONGEST_TOLERATED = 400


@dataclass(frozen=True)
class Parsed:
    """What a completion says.

    Attributes:
        letter: The option's letter; None if there is none.
        think: Text of the think block, None if there is no whole one at the start.
        reason: Why there is no letter, empty if there is one.
        compliant: Whether the completion has the released format.
    """

    letter: str | None
    think: str | None
    reason: str
    compliant: bool

    @property
    def outcome(self) -> str:
        """Say `answered`, or what is malformed."""
        return "answered" if self.letter else f"malformed:{self.reason}"


def first_answer(text: str) -> str | None:
    """Return what stands in the first `<answer>…</answer>`, tags in any case; None without one. O(length).

    Equal to the group of `re.search("<answer>(.*?)</answer>", text, DOTALL | IGNORECASE)`, which takes quadratic time
    on many unclosed tags: if the first opening tag is never closed, none is.
    """
    opening = _OPEN.search(text)
    closing = _CLOSE.search(text, opening.end()) if opening else None
    return text[opening.end() : closing.start()] if opening and closing else None


def is_formatted(text: str) -> bool:
    r"""Tell whether a whole text is `<think>.*?</think>\s*<answer>.*?</answer>`, as released. O(length).

    The text begins with the first tag, ends with the last, and `</think>\s*<answer>` stands somewhere between: the lazy
    groups of the released pattern stretch over everything else, further tags included.
    """
    if not (text.startswith("<think>") and text.endswith("</answer>")):
        return False
    bridge = _BRIDGE.search(text, len("<think>"))
    return bridge is not None and bridge.end() <= len(text) - len("</answer>")


def parse(text: str, strictness: str = "strict") -> Parsed:
    """Read a completion.

    Args:
        text: The completion, without special tokens.
        strictness: How much is forgiven; each one finds at least the letters of the one before.

    Raises:
        InputError: There is no such strictness.
    """
    if strictness not in STRICTNESSES:
        raise unknown_name("strictness", strictness, STRICTNESSES)
    compliant = is_formatted(text)
    letter = _strict_letter(text)
    if strictness == "exact" and not (compliant and _is_bare(text)):
        letter = None
    if strictness == "tolerant" and letter is None:
        letter = _tolerant_letter(text)
    return Parsed(letter, _think(text), "" if letter else _reason(text), compliant)


def _strict_letter(text: str) -> str | None:
    match = _STRICT.search(text)
    return match.group(1) if match else None


def _is_bare(text: str) -> bool:
    """Whether there is one think block and one answer block that holds a letter of an option alone."""
    answer = first_answer(text)
    once = text.count("<think>") == text.count("</think>") == text.count("<answer>") == 1
    return once and answer is not None and answer in LETTERS and len(answer) == 1


def _tolerant_letter(text: str) -> str | None:
    answer = first_answer(text)
    if answer is None:
        after = text.rfind("</think>")
        answer = text[after + len("</think>") :] if after >= 0 else text
    match = _LONE.match(answer.strip()[:_LONGEST_TOLERATED])
    return match.group(1).upper() if match else None


def _think(text: str) -> str | None:
    start = text.lstrip()
    end = start.find("</think>")
    return start[len("<think>") : end] if start.startswith("<think>") and end >= 0 else None


def _reason(text: str) -> str:
    if not text.strip():
        return "empty"
    if not _OPEN.search(text):
        return "no answer tag"
    answer = first_answer(text)
    if answer is None:
        return "answer not closed"
    if not answer.strip():
        return "answer empty"
    if any(ord(letter) > 127 for letter in answer) and len(answer.strip()) <= 2:
        return "look-alike letter"
    return "no single letter"
