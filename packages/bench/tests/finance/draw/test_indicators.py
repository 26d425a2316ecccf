"""Indicators against their formulas written out bar by bar, and their invariants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.bench.finance.draw import indicators
from medsuite.bench.finance.draw.market import Bars, simulate_market
from medsuite.core.errors import InputError


@pytest.fixture(scope="module")
def bars() -> Bars:
    return simulate_market(300, np.random.default_rng(0))


def test_a_moving_average_is_the_mean_of_the_last_values(bars: Bars) -> None:
    average = indicators.moving_average(bars.close, 20)
    assert np.isnan(average[:19]).all()
    assert average[150] == pytest.approx(np.mean(bars.close[131:151]))


def test_macd_is_the_difference_of_two_exponential_averages(bars: Bars) -> None:
    fast = slow = bars.close[0]
    dea = 0.0
    for price in bars.close:
        fast, slow = fast + 2 / 13 * (price - fast), slow + 2 / 27 * (price - slow)
        dea += 0.2 * (fast - slow - dea)
    macd = indicators.macd(bars.close)
    assert (macd.dif[-1], macd.dea[-1]) == pytest.approx((fast - slow, dea))
    assert macd.histogram[-1] == pytest.approx(2 * (fast - slow - dea))


def test_kdj_smooths_the_place_of_the_close_in_nine_days_range(bars: Bars) -> None:
    k = d = 50.0
    for day in range(300):
        high, low = max(bars.high[max(0, day - 8) : day + 1]), min(bars.low[max(0, day - 8) : day + 1])
        k = (2 * k + 100 * (bars.close[day] - low) / (high - low)) / 3
        d = (2 * d + k) / 3
    found = indicators.kdj(bars.high, bars.low, bars.close)
    assert (found.k[-1], found.d[-1], found.j[-1]) == pytest.approx((k, d, 3 * k - 2 * d))


@given(seed=st.integers(0, 50), length=st.integers(2, 30))
def test_rsi_of_the_mirrored_price_is_its_complement(seed: int, length: int) -> None:
    close = np.cumsum(np.random.default_rng(seed).normal(0, 1, 80)) + 100
    assert indicators.rsi(close, length)[1:] == pytest.approx(100 - indicators.rsi(200 - close, length)[1:])


def test_a_price_that_never_moves_gives_fifty() -> None:
    flat = np.full(40, 7.0)
    assert (indicators.rsi(flat, 6) == 50).all()
    assert indicators.kdj(flat, flat, flat).k == pytest.approx(50)


@given(seed=st.integers(0, 50), shift=st.floats(-5, 5))
def test_the_bands_move_with_the_price_and_keep_their_width(seed: int, shift: float) -> None:
    close = np.random.default_rng(seed).uniform(10, 20, 60)
    band, moved = indicators.bollinger(close), indicators.bollinger(close + shift)
    assert moved.middle[19:] == pytest.approx(band.middle[19:] + shift)
    assert (moved.upper - moved.lower)[19:] == pytest.approx((band.upper - band.lower)[19:], abs=1e-6)


@given(seed=st.integers(0, 200))
def test_simulated_bars_are_consistent_and_stay_within_the_drift(seed: int) -> None:
    bars = simulate_market(120, np.random.default_rng(seed))
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high >= np.maximum(bars.open, bars.close)).all()
    assert np.allclose(bars.close * 100, np.round(bars.close * 100))
    assert np.ptp(bars.dates.astype("datetime64[D]").astype(int)) > 120


def test_bars_that_no_chart_can_show_are_refused(bars: Bars) -> None:
    ones = np.ones(3)
    with pytest.raises(InputError, match="bar 1 is inconsistent"):
        Bars(bars.dates[:3], ones, np.array([1.0, 0.5, 1.0]), ones, ones, ones)
    with pytest.raises(InputError, match="positive"):
        Bars(bars.dates[:3], ones, ones, 0 * ones, ones, ones)
