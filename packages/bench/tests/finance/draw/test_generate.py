"""Pictures: what is drawn is what the facts say."""

import numpy as np
import pytest

from medsuite.bench.finance.baselines.colours import candle_mask
from medsuite.bench.finance.draw.chart import PriceFacts
from medsuite.bench.finance.draw.generate import draw_chart
from medsuite.bench.finance.draw.market import simulate_market
from medsuite.bench.finance.draw.price import PriceSpec, compute_facts
from medsuite.bench.finance.schema import ImageType, Language
from medsuite.core.errors import InputError

LANGUAGES: tuple[Language, ...] = ("en", "cn")
KINDS = [(kind, language) for kind in ImageType for language in LANGUAGES]


@pytest.mark.parametrize(("kind", "language"), KINDS)
def test_a_picture_depends_on_its_seed_alone(kind: ImageType, language: Language) -> None:
    first, second = (draw_chart(kind, language, np.random.default_rng(5)).picture for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, draw_chart(kind, language, np.random.default_rng(6)).picture)


@pytest.mark.parametrize(("kind", "language"), KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_no_text_is_cut_off_and_no_two_texts_overlap(kind: ImageType, language: Language, seed: int) -> None:
    chart = draw_chart(kind, language, np.random.default_rng(seed))
    height, width = chart.picture.shape[:2]
    boxes = [text.box for text in chart.texts]
    assert all(x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height for x0, y0, x1, y1 in boxes)
    overlaps = [
        (a.text, b.text)
        for number, a in enumerate(chart.texts)
        for b in chart.texts[:number]
        if min(a.box[2], b.box[2]) - max(a.box[0], b.box[0]) > 1
        and min(a.box[3], b.box[3]) - max(a.box[1], b.box[1]) > 1
    ]
    assert overlaps == []


@pytest.mark.parametrize("seed", range(5))
def test_the_topmost_candle_pixel_lies_at_the_highest_price(seed: int) -> None:
    chart = draw_chart(ImageType.CANDLESTICK, "en", np.random.default_rng(seed))
    facts, axis = chart.facts[0], chart.axes["PRICE"]
    assert isinstance(facts, PriceFacts)
    rows = np.nonzero(candle_mask(chart.picture)[int(axis.top) - 2 : int(axis.bottom) + 2, :910])[0] + int(axis.top) - 2
    assert rows.min() == pytest.approx(axis.pixel(facts.bars.high.max()), abs=1.5)


def test_the_macd_histogram_is_doubled_on_chinese_charts() -> None:
    history = simulate_market(200, np.random.default_rng(0))
    spec = PriceSpec((5,), False, ("MACD",), True, "Name", "600000")
    chinese, english = (compute_facts(history, spec, language).last["HIST"] for language in ("cn", "en"))
    assert chinese == pytest.approx(2 * english)


def test_an_unknown_pane_and_too_short_a_history_are_refused() -> None:
    with pytest.raises(InputError, match="did you mean 'MACD'"):
        PriceSpec((5,), False, ("MCAD",), True, "Name", "600000")
    spec = PriceSpec((5,), False, ("VOL",), True, "Name", "600000")
    with pytest.raises(InputError, match="more than 130"):
        compute_facts(simulate_market(100, np.random.default_rng(0)), spec, "en")
