"""Text in one form: compatibility characters unified, invisible ones removed, minus signs made plain."""

import re
import unicodedata

_GROUP_SPACE = re.compile(r"(?<=\d)[\u2009\u202f\u00a0](?=\d{3}(?!\d))")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff\u00ad]")
_MINUS = str.maketrans({"\u2212": "-", "\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2014": "-", "\u2019": "'"})

FAILURES = ("failed to obtain answer",)
"""What evaluation kits store in place of a reply when the model gave none."""


def plain(text: str) -> str:
    """Return the text in form NFKC, with plain minus signs; a thin space in a number becomes an apostrophe."""
    text = _INVISIBLE.sub("", _GROUP_SPACE.sub("'", text))
    return unicodedata.normalize("NFKC", text).translate(_MINUS).strip()


def is_failure(text: str) -> bool:
    """Tell whether a reply is an evaluation kit's own failure message."""
    return plain(text).lower().startswith(FAILURES)
