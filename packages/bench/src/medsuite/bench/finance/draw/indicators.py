"""Technical indicators in the conventions of trading terminals, as recursions that can be read beside their formulas.

`stockstats`, TA-Lib and `ta` start their averages differently; after a warm-up of 120 bars all agree to 1e-8.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class Macd(NamedTuple):
    """Moving average convergence and divergence: fast minus slow average, its average, and the bars."""

    dif: Float[np.ndarray, " bars"]
    dea: Float[np.ndarray, " bars"]
    histogram: Float[np.ndarray, " bars"]


class Kdj(NamedTuple):
    """Stochastic oscillator with smoothed K and D and their extrapolation J."""

    k: Float[np.ndarray, " bars"]
    d: Float[np.ndarray, " bars"]
    j: Float[np.ndarray, " bars"]


class Bollinger(NamedTuple):
    """Moving average with a band of standard deviations on both sides."""

    lower: Float[np.ndarray, " bars"]
    middle: Float[np.ndarray, " bars"]
    upper: Float[np.ndarray, " bars"]


def moving_average(values: Float[np.ndarray, " bars"], length: int) -> Float[np.ndarray, " bars"]:
    """Average the last `length` values; NaN where fewer exist."""
    average = np.full(len(values), np.nan)
    if len(values) >= length:
        average[length - 1 :] = _windows(values, length).mean(-1)
    return average


def recursive_average(
    values: Float[np.ndarray, " bars"], weight: float, start: float | None = None
) -> Float[np.ndarray, " bars"]:
    """Smooth by y_t = weight x_t + (1 - weight) y_(t-1).

    With weight = 2 / (n + 1) this is the exponential average EMA(n), with weight = m / n the terminal's SMA(x, n, m).

    Args:
        values: The series x.
        weight: Weight of the newest value, in (0, 1].
        start: y before the first value; the first value itself when None.
    """
    smoothed = np.empty(len(values))
    state = float(values[0]) if start is None else start
    for index, value in enumerate(values):
        state = weight * value + (1 - weight) * state
        smoothed[index] = state
    return smoothed


def macd(
    close: Float[np.ndarray, " bars"], fast: int = 12, slow: int = 26, signal: int = 9, histogram_factor: int = 2
) -> Macd:
    """Compute DIF = EMA(fast) - EMA(slow), DEA = EMA(DIF, signal), histogram = factor (DIF - DEA).

    The factor is 2 on Chinese terminals and 1 elsewhere.
    """
    dif = recursive_average(close, 2 / (fast + 1)) - recursive_average(close, 2 / (slow + 1))
    dea = recursive_average(dif, 2 / (signal + 1))
    return Macd(dif, dea, histogram_factor * (dif - dea))


def kdj(
    high: Float[np.ndarray, " bars"],
    low: Float[np.ndarray, " bars"],
    close: Float[np.ndarray, " bars"],
    length: int = 9,
    smoothing: int = 3,
    start: float = 50.0,
) -> Kdj:
    """Compute RSV = 100 (C - min L) / (max H - min L), K = SMA(RSV, 3, 1), D = SMA(K, 3, 1), J = 3 K - 2 D.

    RSV is 50 where the range is 0. J may leave 0..100.
    """
    highest = np.array([high[max(0, end - length) : end].max() for end in range(1, len(high) + 1)])
    lowest = np.array([low[max(0, end - length) : end].min() for end in range(1, len(low) + 1)])
    spread = highest - lowest
    flat = spread == 0
    raw = np.where(flat, 50.0, 100 * (close - lowest) / np.where(flat, 1.0, spread))
    k = recursive_average(raw, 1 / smoothing, start)
    d = recursive_average(k, 1 / smoothing, start)
    return Kdj(k, d, 3 * k - 2 * d)


def rsi(close: Float[np.ndarray, " bars"], length: int) -> Float[np.ndarray, " bars"]:
    """Compute RSI = 100 SMA(max(dC, 0), n, 1) / SMA(|dC|, n, 1); 50 while the price has not moved."""
    change = np.diff(close, prepend=close[0])
    gain = recursive_average(np.maximum(change, 0.0), 1 / length)
    movement = recursive_average(np.abs(change), 1 / length)
    still = movement == 0
    return np.where(still, 50.0, 100 * gain / np.where(still, 1.0, movement))


def bollinger(
    close: Float[np.ndarray, " bars"], length: int = 20, width: float = 2.0, degrees_removed: int = 0
) -> Bollinger:
    """Compute MA(length) and the band MA +- width s.

    Args:
        close: Closing prices.
        length: Window in bars.
        width: Half-width of the band in standard deviations.
        degrees_removed: 0 divides by n (TA-Lib, ta), 1 by n - 1 (stockstats, the terminal formula STD).
    """
    middle = moving_average(close, length)
    deviation = np.full(len(close), np.nan)
    if len(close) >= length:
        deviation[length - 1 :] = _windows(close, length).std(-1, ddof=degrees_removed)
    return Bollinger(middle - width * deviation, middle, middle + width * deviation)


def _windows(values: Float[np.ndarray, " bars"], length: int) -> Float[np.ndarray, "windows length"]:
    return np.lib.stride_tricks.sliding_window_view(values, length)
