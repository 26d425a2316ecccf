"""Text in one form: compatibility characters unified, invisible ones removed, minus signs made plain, no markup."""

import re
import unicodedata

_GROUP_SPACE = re.compile(r"(?<=\d)[\u2009\u202f\u00a0](?=\d{3}(?!\d))")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2060\ufeff\u00ad]")
_MINUS = str.maketrans({**dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\u2014\u2015", "-"), "\u2019": "'"})
_RAISED = re.compile("(?<=10)[\u207a\u207b]?[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]{1,2}")
_COMMANDS = {r"\%": "%", r"\$": "$", r"\times": "×", r"\approx": "≈", "{,}": ",", r"\,": "", r"\!": "", r"\;": " "}
_COMMAND = re.compile("|".join(re.escape(command) for command in _COMMANDS))
_WORDS_IN_FORMULA = re.compile(r"\\(?:text|textbf|mathrm|mathbf|operatorname)\{([^{}]*)\}")
_FORMULA = re.compile(r"\$([^$\n]{1,200}?[\d%})\]])\$(?!\d)")
_EMPHASIS = re.compile(r"(?<!\d)\*\*|\*\*(?!\d)|`|\$\$|\\[()\[\]]")

FAILURES = ("failed to obtain answer",)
"""What evaluation kits store in place of a reply when the model gave none."""


def plain(text: str) -> str:
    """Return the text in form NFKC, with plain minus signs; a thin space in a number becomes an apostrophe."""
    text = _INVISIBLE.sub("", _GROUP_SPACE.sub("'", text))
    # NFKC would turn ten to the sixth into 106.
    text = _RAISED.sub(lambda found: f"^{found[0]}", text)
    return unicodedata.normalize("NFKC", text).translate(_MINUS).strip()


def without_markup(text: str) -> str:
    r"""Return what a reader of Markdown or LaTeX sees: no emphasis, no formula signs, `\%` as a percent sign.

    A dollar sign that closes a formula is no currency.
    """
    text = _COMMAND.sub(lambda found: _COMMANDS[found[0]], _WORDS_IN_FORMULA.sub(r"\1", text))
    return _FORMULA.sub(r"\1", _EMPHASIS.sub("", text))


def is_failure(text: str) -> bool:
    """Tell whether a reply is an evaluation kit's own failure message."""
    return plain(text).lower().startswith(FAILURES)
