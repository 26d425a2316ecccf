"""The page around a report's body: style, escaping, and numbers as people write them."""

import math
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


@dataclass(frozen=True)
class Page:
    """What every report says of itself."""

    title: str
    subtitle: str


def number(value: float, digits: int = 3) -> str:
    """Write a number with a few significant digits, without an exponent where people would write none.

    >>> number(0.72), number(1234.5), number(2.0), number(float("nan"))
    ('0.72', '1234', '2', '–')
    """
    if not math.isfinite(value):
        return "–"
    if value and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}e}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(seconds: float) -> str:
    """Write a duration in the unit that people would choose.

    >>> duration(42.3), duration(150), duration(7300)
    ('42 s', '2.5 min', '2.0 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def render(template: str, page: Page, *, package: str = "medsuite.core.reporting", **values: Any) -> str:
    """Render a Jinja template that extends `page.html.jinja` into one self-contained HTML text.

    All values are escaped, except those marked as safe with `markupsafe.Markup`.

    Args:
        template: File name in the `templates` folder of `package`.
        page: Title and subtitle.
        package: The package that holds the template.
        values: What the template uses.
    """
    from jinja2 import ChoiceLoader

    loader = ChoiceLoader([PackageLoader(package), PackageLoader("medsuite.core.reporting")])
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": number, "duration": duration, "safe_svg": Markup}
    return environment.get_template(template).render(page=page, **values)
