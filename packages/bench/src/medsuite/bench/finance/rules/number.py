"""Comparing a reply with a reference number: exactly one final value, of the right kind, within a stated tolerance."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from medsuite.bench.finance.rules.english import digits_from_words
from medsuite.bench.finance.rules.quantity import Quantity, measured, quantities, rewrite
from medsuite.bench.finance.rules.text import plain, without_markup

LONGEST_REPLY = 8_000
"""Characters of a reply that are read: a longer one is no answer to a question for one number."""
_MARKER = re.compile(
    r"(?i)(?:final\s+)?\bans(?:wer)?\s*(?:is|:)|答案(?:是|为)?\s*:?|答\s*:|(?:结果|等于|约等于)(?:是|为)?\s*:?"
    r"|\bequals(?:\s+to)?\b|\bequal\s+to\b|[=≈]|\\boxed\{"
)
_NAME = re.compile(r"[A-Za-z]-?\d")
_SENTENCE_END = re.compile(r"[。;；\n]|\.(?:\s|$)")


@dataclass(frozen=True)
class Tolerance:
    """How far a value may be from the reference: within any one of the bounds.

    Attributes:
        places: In units of the reference's last digit.
        relative: As a share of the reference.
        absolute: In the reference's own unit, such as a share of the visible axis.
    """

    places: float | int = 0.5
    relative: float | int = 0.0
    absolute: float | int = 0.0

    def allows(self, value: Decimal, reference: Quantity) -> bool:
        """Tell whether a value is close enough."""
        bounds = (
            Decimal(str(self.places)) * reference.place,
            Decimal(str(self.relative)) * abs(reference.value),
            Decimal(str(self.absolute)),
        )
        return abs(value - reference.value) <= max(bounds)


EXACT = Tolerance()


def final_quantity(reply: str) -> Quantity | None:
    """Return the one value that a reply settles on, or None where it names none or several.

    A reply that names an answer (`the answer is`, `=`, 答案) is read from the last such place that is followed by a
    quantity, to the end of that sentence; any other reply is read as a whole. Four digits that may name a year do not
    count beside other values, and English number words count where there are no digits.
    """
    text = plain(reply)
    if len(text) > LONGEST_REPLY:
        return None
    text = without_markup(text)
    segments = _marked_segments(text)
    candidates = next((found for segment in reversed(segments) if (found := quantities(segment))), None)
    return _single(candidates or quantities(text) or quantities(digits_from_words(text)))


def number_is_right(reply: str, reference: str, tolerance: Tolerance = EXACT) -> bool:
    """Tell whether a reply settles on the reference number.

    A plain number is accepted for a percentage of the same figures (12.5 for 12.5 %), never the other way round; a
    currency must agree where both name one.

    Args:
        reply: Free text in English or Chinese.
        reference: Text with exactly one quantity.
        tolerance: How far off a value may be.
    """
    expected, given = reference_quantity(reference), final_quantity(reply)
    if expected is None or given is None:
        return False
    if expected.currency and given.currency and expected.currency != given.currency:
        return False
    return _kinds_match(given, expected) and tolerance.allows(given.value, expected)


def reference_quantity(reference: str) -> Quantity | None:
    """Return the quantity of a reference that consists of one quantity and nothing else but a word or two of unit.

    The digits of a name, MA5, are none: whoever answers EMA5 has another name.
    """
    found = measured(reference) or ([] if _NAME.search(plain(reference)) else quantities(reference))
    if len(found) != 1:
        return None
    rest = rewrite(reference)[: found[0].span[0]] + rewrite(reference)[found[0].span[1] :]
    return found[0] if len(rest.split()) <= 3 and len(rest.strip()) <= 24 else None


def _kinds_match(given: Quantity, expected: Quantity) -> bool:
    if expected.kind in ("percent", "points"):
        return given.kind in ("percent", "points", "number")
    return given.kind == expected.kind


def _marked_segments(text: str) -> list[str]:
    """Cut what follows each marker up to the next marker or the end of the sentence."""
    markers = list(_MARKER.finditer(text))
    ends = [marker.start() for marker in markers[1:]] + [len(text)]
    pieces = [text[marker.end() : end] for marker, end in zip(markers, ends, strict=False)]
    return [_SENTENCE_END.split(piece, maxsplit=1)[0] for piece in pieces]


def _single(found: Sequence[Quantity]) -> Quantity | None:
    """Return the finest of quantities that all agree, a percentage before the same share as a number, or None."""
    if not _all_agree(found):
        found = [quantity for quantity in found if not quantity.maybe_year]
    if not found or not _all_agree(found):
        return None
    return min(found, key=lambda quantity: (quantity.kind == "number", quantity.place))


def _all_agree(found: Sequence[Quantity]) -> bool:
    return all(quantity.agrees(found[0]) for quantity in found)
