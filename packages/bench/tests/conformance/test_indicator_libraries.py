"""Indicators against TA-Lib, ta and stockstats, after the warm-up that all of them need."""

import numpy as np
import pytest

from medsuite.bench.finance.draw import indicators
from medsuite.bench.finance.draw.market import Bars, simulate_market
from medsuite.bench.finance.draw.price import WARM_UP


@pytest.fixture(scope="module")
def bars() -> Bars:
    return simulate_market(400, np.random.default_rng(1))


def test_macd_rsi_and_bands_agree_with_ta_lib(bars: Bars) -> None:
    talib = pytest.importorskip("talib")
    late = slice(2 * WARM_UP, None)
    dif, dea, histogram = talib.MACD(bars.close)
    macd = indicators.macd(bars.close, histogram_factor=1)
    for ours, theirs in ((macd.dif, dif), (macd.dea, dea), (macd.histogram, histogram)):
        assert ours[late] == pytest.approx(theirs[late], abs=1e-6)
    assert indicators.rsi(bars.close, 6)[WARM_UP:] == pytest.approx(talib.RSI(bars.close, 6)[WARM_UP:], abs=1e-6)
    upper, _, lower = talib.BBANDS(bars.close, 20, 2, 2)
    band = indicators.bollinger(bars.close)
    assert band.upper[WARM_UP:] == pytest.approx(upper[WARM_UP:])
    assert band.lower[WARM_UP:] == pytest.approx(lower[WARM_UP:])


def test_kdj_and_the_sample_bands_agree_with_stockstats(bars: Bars) -> None:
    stockstats, pandas = pytest.importorskip("stockstats"), pytest.importorskip("pandas")
    columns = {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    frame = stockstats.wrap(pandas.DataFrame(columns))
    kdj = indicators.kdj(bars.high, bars.low, bars.close)
    assert kdj.k[WARM_UP:] == pytest.approx(frame["kdjk"].to_numpy()[WARM_UP:], abs=1e-8)
    assert kdj.j[WARM_UP:] == pytest.approx(frame["kdjj"].to_numpy()[WARM_UP:], abs=1e-8)
    band = indicators.bollinger(bars.close, degrees_removed=1)
    assert band.upper[WARM_UP:] == pytest.approx(frame["boll_ub"].to_numpy()[WARM_UP:])


def test_macd_agrees_with_ta_from_the_first_bar(bars: Bars) -> None:
    trend, pandas = pytest.importorskip("ta.trend"), pytest.importorskip("pandas")
    theirs = trend.MACD(pandas.Series(bars.close), fillna=True)
    assert indicators.macd(bars.close).dif == pytest.approx(theirs.macd().to_numpy())


def test_chinese_numerals_agree_with_cn2an() -> None:
    cn2an = pytest.importorskip("cn2an")
    from medsuite.bench.finance.rules.numerals import numeral_value

    for number in [*range(1, 300, 7), 1024, 10_000, 10_203, 23_000_000, 105_000_000, 120_000_000, 34_050_607]:
        assert numeral_value(cn2an.an2cn(number)) == number
