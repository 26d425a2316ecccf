"""A simulated market: daily bars with fat tails and clustered volatility, rounded to the tick."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError

STEPS_A_DAY = 24
MAXIMUM_DRIFT = 1.2
"""Largest |log price change| over the window; without the bound a few seeds fall to prices of a few ticks."""


@dataclass(frozen=True)
class Bars:
    """Daily bars of one instrument, oldest first; prices in currency units, volume in shares."""

    dates: np.ndarray
    open: Float[np.ndarray, " bars"]
    high: Float[np.ndarray, " bars"]
    low: Float[np.ndarray, " bars"]
    close: Float[np.ndarray, " bars"]
    volume: Float[np.ndarray, " bars"]

    def __post_init__(self) -> None:
        """Refuse bars that no chart can show.

        Raises:
            InputError: A price is not positive or not finite, or a high lies below its low, open or close.
        """
        prices = np.stack([self.open, self.high, self.low, self.close])
        body = np.stack([self.open, self.close])
        if not np.isfinite(prices).all() or (prices <= 0).any():
            raise InputError("a price is not a positive finite number", fix="remove or fill the bars that have none")
        broken = np.flatnonzero((self.low > body.min(0)) | (self.high < body.max(0)))
        if len(broken):
            raise InputError(f"bar {broken[0]} is inconsistent", expected="low <= open, close <= high")

    def __len__(self) -> int:
        return len(self.close)


def simulate_market(bars: int, rng: np.random.Generator, tick: float = 0.01) -> Bars:
    """Simulate daily bars by GARCH(1,1) with Student-t steps, jump days and overnight gaps.

    sigma_t^2 = 2e-6 + 0.08 r_(t-1)^2 + 0.90 sigma_(t-1)^2, r_t = sigma_t times a unit-variance t(5); 3 % of the days
    jump with a standard deviation of 3 %; the gap overnight has 0.3 %. Each day is walked in 24 steps, so that high and
    low are those of a path. Volume is log-normal times 1 + 12 |r|.

    Args:
        bars: Number of days.
        rng: Source of all randomness.
        tick: Smallest price step.
    """
    while True:
        returns = _daily_returns(bars, rng)
        if abs(returns.sum()) < MAXIMUM_DRIFT:
            break
    gaps = rng.normal(0, 0.003, bars)
    start = np.exp(rng.uniform(np.log(8), np.log(300)))
    close_log = np.log(start) + np.cumsum(returns + gaps)
    open_log = close_log - returns
    paths = _bridges(open_log, returns, rng)
    rounded = np.maximum(np.round(np.exp(paths) / tick), 1) * tick
    decimals = max(0, round(-np.log10(tick)))
    prices = np.round(rounded, decimals)
    volume = np.exp(rng.normal(15, 0.35, bars)) * (1 + 12 * np.abs(returns))
    first_day = np.datetime64("2021-01-04") + int(rng.integers(0, 900))
    dates = np.busday_offset(first_day, np.arange(bars), roll="forward")
    return Bars(dates, prices[:, 0], prices.max(1), prices.min(1), prices[:, -1], np.round(volume, -2))


def _daily_returns(bars: int, rng: np.random.Generator) -> Float[np.ndarray, " bars"]:
    """Draw GARCH returns with jumps."""
    steps = rng.standard_t(5, bars) / np.sqrt(5 / 3)
    variance, previous = 1e-4, 0.0
    returns = np.empty(bars)
    for day in range(bars):
        variance = 2e-6 + 0.08 * previous**2 + 0.90 * variance
        previous = np.sqrt(variance) * steps[day]
        returns[day] = previous
    jumps = rng.random(bars) < 0.03
    return returns + jumps * rng.normal(0, 0.03, bars)


def _bridges(
    start: Float[np.ndarray, " bars"], change: Float[np.ndarray, " bars"], rng: np.random.Generator
) -> Float[np.ndarray, "bars steps"]:
    """Walk each day from its open to its close by a Brownian bridge as wide as the day's volatility."""
    scale = np.maximum(np.abs(change), 0.006)[:, None]
    steps = rng.normal(0, 1, (len(start), STEPS_A_DAY)) * scale / np.sqrt(STEPS_A_DAY)
    walk = np.concatenate([np.zeros((len(start), 1)), np.cumsum(steps, 1)], 1)
    fraction = np.linspace(0, 1, STEPS_A_DAY + 1)
    return start[:, None] + walk + fraction * (change - walk[:, -1])[:, None]
