"""What a statistical function returns: an interval or a test, as frozen data that prints as a sentence."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its confidence interval.

    Prints with as many decimals as its half width deserves: `0.84 [0.80, 0.88] (95 % BCa bootstrap, n = 75)`.

    Attributes:
        estimate: The statistic of the sample.
        low: Lower end, at most `high`.
        high: Upper end.
        level: Confidence level, such as 0.95.
        n: Number of independent units behind the estimate.
        method: How the ends were found, such as `"BCa bootstrap"`.
    """

    estimate: float
    low: float
    high: float
    level: float
    n: int
    method: str

    def __str__(self) -> str:
        estimate, low, high = (_rounded(value, (self.high - self.low) / 2) for value in self.ends)
        return f"{estimate} [{low}, {high}] ({100 * self.level:g} % {self.method}, n = {self.n})"

    @property
    def ends(self) -> tuple[float, float, float]:
        """Estimate, low and high, to unpack."""
        return self.estimate, self.low, self.high

    def excludes(self, value: float | int) -> bool:
        """Tell whether a value lies outside the interval."""
        return not self.low <= value <= self.high


@dataclass(frozen=True)
class HypothesisTest:
    """The outcome of a test of a null hypothesis; prints as `p = 0.012 (exact McNemar test, n = 31)`.

    Attributes:
        statistic: The test statistic that the function names.
        p: Two-sided p-value, unless `method` says otherwise.
        n: Number of units that the test counted.
        method: Name of the test.
    """

    statistic: float
    p: float
    n: int
    method: str

    def __str__(self) -> str:
        p = "p < 0.001" if self.p < 0.001 else f"p = {self.p:.2g}"
        return f"{p} ({self.method}, n = {self.n})"


def _rounded(value: float, half_width: float) -> str:
    # One digit of the half width, or two if it begins with 1 to 3.5: the rule of the Particle Data Group.
    if not half_width > 0 or math.isinf(half_width):
        return f"{value:.3g}"
    decimals = max(0, -math.floor(math.log10(half_width / 3.55)))
    return f"{value:.{decimals}f}" if decimals <= 6 else f"{value:.3g}"
