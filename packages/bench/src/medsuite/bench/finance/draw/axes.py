"""Value axes: the map between values and pixels, and tick labels that equal their values."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from medsuite.core.errors import InputError


@dataclass(frozen=True)
class Axis:
    """A vertical linear axis: `lower` lies at pixel row `bottom`, `upper` at pixel row `top`."""

    lower: float | int
    upper: float | int
    top: float | int
    bottom: float | int

    def pixel(self, value: float | int) -> float:
        """Return the row of a value."""
        return self.bottom - (value - self.lower) / self.span * (self.bottom - self.top)

    def value(self, pixel: float | int) -> float:
        """Return the value at a row."""
        return self.lower + (self.bottom - pixel) / (self.bottom - self.top) * self.span

    @property
    def span(self) -> float:
        """The visible range in units of the axis."""
        return float(self.upper - self.lower)


def fit_axis(
    smallest: float | int, largest: float | int, top: float | int, bottom: float | int, margin: float = 0.06
) -> Axis:
    """Fit an axis around a range, with a margin on both sides; a range of length 0 gets one of its own size.

    Raises:
        InputError: The range is not finite or is upside down.
    """
    if not (np.isfinite(smallest) and np.isfinite(largest) and smallest <= largest):
        raise InputError(f"axis range {smallest}..{largest} cannot be drawn", expected="finite, smallest first")
    spread = largest - smallest or abs(largest) or 1.0
    return Axis(smallest - margin * spread, largest + margin * spread, top, bottom)


def ticks(lower: float | int, upper: float | int, about: int = 5) -> list[Decimal]:
    """List the multiples of a step 1, 2 or 5 x 10^k inside a range, as exact decimals.

    The step is the smallest that gives no more than `about` + 1 ticks, or a smaller one where that gives fewer than
    three: with fewer nobody can read the axis. Decimals print as themselves, so that a label never differs from the
    value at which it stands.
    """
    step = _round_step((upper - lower) / about)
    first = int(np.ceil(lower / float(step) - 1e-9))
    last = int(np.floor(upper / float(step) + 1e-9))
    if last - first < 2:
        return ticks(lower, upper, about + 1)
    return [step * multiple for multiple in range(first, last + 1)]


def tick_label(value: Decimal) -> str:
    """Print a tick without exponent, with thousands separators."""
    return f"{value:,f}"


def _round_step(raw: float) -> Decimal:
    """Return the smallest of 1, 2, 5 x 10^k that is no less than `raw`."""
    exponent = int(np.floor(np.log10(raw)))
    for digit in (1, 2, 5, 10):
        if digit * 10.0**exponent >= raw * (1 - 1e-9):
            return _power(digit, exponent)
    return _power(1, exponent + 1)


def _power(digit: int, exponent: int) -> Decimal:
    """Return digit x 10^exponent printed with as many decimals as it needs."""
    value = Decimal(digit).scaleb(exponent)
    return value if exponent < 0 else Decimal(int(value))
