"""English number words: twelve, twenty-five percent, minus three point one four, one hundred and five million."""

import re

_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_ONES += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
VALUES = {word: number for number, word in enumerate(_ONES)}
VALUES |= {word: 10 * number for number, word in enumerate(_TENS, start=2)}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_WORD = "|".join(sorted((*VALUES, *SCALES, "hundred"), key=len, reverse=True))
_JOIN = r"(?:\s+and\s+|\s*-\s*|\s+)"
_RUN = re.compile(
    rf"\b(?P<whole>(?:{'|'.join(sorted(VALUES, key=len, reverse=True))})(?:{_JOIN}(?:{_WORD}))*)"
    rf"(?P<fraction>\s+point(?:\s+(?:{'|'.join(_ONES[:10])}))+)?\b",
    re.IGNORECASE,
)


def digits_from_words(text: str) -> str:
    """Rewrite every run of English number words in digits; a scale after a fraction stays a word (3.5 million).

    For example::

        digits_from_words("minus twenty-five point five percent") == "minus 25.5 percent"
    """
    return _RUN.sub(_rewrite, text)


def whole_number(words: str) -> int:
    """Evaluate number words without a fraction: `hundred` multiplies what stands before it, a scale closes a group."""
    total = group = 0
    for word in re.findall("[a-z]+", words.lower()):
        if word in VALUES:
            group += VALUES[word]
        elif word == "hundred":
            group = (group or 1) * 100
        elif word in SCALES:
            total += (group or 1) * SCALES[word]
            group = 0
    return total + group


def _rewrite(found: re.Match[str]) -> str:
    digits = [str(VALUES[word]) for word in re.findall("[a-z]+", (found["fraction"] or "").lower()) if word in VALUES]
    return f"{whole_number(found['whole'])}{'.' if digits else ''}{''.join(digits)}"
