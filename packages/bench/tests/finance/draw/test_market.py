"""The simulated market: bars that can be drawn, and the facts of style that real shares have."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.bench.finance.draw.market import MAXIMUM_DRIFT, Bars, simulate_market
from medsuite.core.errors import InputError


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), tick=st.sampled_from([0.01, 0.05, 0.001]))
def test_every_bar_is_one_that_a_market_can_print(seed: int, tick: float) -> None:
    bars = simulate_market(200, np.random.default_rng(seed), tick)
    body = np.stack([bars.open, bars.close])
    assert (bars.low <= body.min(0)).all()
    assert (bars.high >= body.max(0)).all()
    prices = np.stack([bars.open, bars.high, bars.low, bars.close])
    assert prices.min() >= tick
    np.testing.assert_allclose(prices / tick, np.round(prices / tick), atol=1e-6)
    assert (np.is_busday(bars.dates)).all()
    assert (np.diff(bars.dates) > np.timedelta64(0, "D")).all()
    assert (bars.volume > 0).all()
    gaps = np.log(bars.open[1:] / bars.close[:-1])
    assert np.abs(gaps).max() < 0.03, "overnight gaps have a standard deviation of 0.3 %"
    assert abs(np.log(bars.close[-1] / bars.open[0])) < MAXIMUM_DRIFT + 0.2


def test_the_same_generator_gives_the_same_bars() -> None:
    first, second, other = (simulate_market(50, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.close, second.close)
    assert not np.array_equal(first.close, other.close)


def test_returns_have_fat_tails_and_clustered_volatility_near_those_of_real_shares() -> None:
    """GOOG, IBM and FB have 3.0 to 7.6, 0.09 to 0.26 and 1.86 to 2.11 (reference, section 7.3).

    Here tails are a little fatter (8.2) and days a little narrower (1.53).
    """
    kurtosis, clustering, width = [], [], []
    for seed in range(8):
        bars = simulate_market(2000, np.random.default_rng(seed))
        returns = np.diff(np.log(bars.close))
        centred = returns - returns.mean()
        kurtosis.append((centred**4).mean() / (centred**2).mean() ** 2 - 3)
        clustering.append(np.corrcoef(np.abs(centred[1:]), np.abs(centred[:-1]))[0, 1])
        width.append(np.median((bars.high - bars.low) / bars.close) / np.median(np.abs(returns)))
    assert 3.0 < np.median(kurtosis) < 12.0
    assert 0.05 < np.median(clustering) < 0.30
    assert 1.4 < np.median(width) < 2.3


def test_more_is_traded_on_days_that_move() -> None:
    bars = simulate_market(2000, np.random.default_rng(0))
    moved = np.abs(np.log(bars.close / bars.open))
    calm, wild = (bars.volume[chosen].mean() for chosen in (moved < 0.005, moved > 0.04))
    assert wild > 1.3 * calm


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("close", np.nan, "not a positive finite number"),
        ("low", 0.0, "not a positive finite number"),
        ("high", 9.0, "bar 1 is inconsistent"),
        ("low", 11.5, "bar 1 is inconsistent"),
    ],
)
def test_bars_that_no_chart_can_show_are_refused(name: str, value: float, message: str) -> None:
    columns = {"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 1e6}
    arrays = {column: np.full(3, number) for column, number in columns.items()}
    arrays[name][1] = value
    with pytest.raises(InputError, match=message):
        Bars(np.arange(3).astype("datetime64[D]"), **arrays)
