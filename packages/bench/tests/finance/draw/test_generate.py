"""Pictures: what is drawn is what the facts say."""

import numpy as np
import pytest

from medsuite.bench.finance.baselines.colours import candle_mask
from medsuite.bench.finance.draw.chart import PriceFacts, TableFacts
from medsuite.bench.finance.draw.generate import draw_chart
from medsuite.bench.finance.draw.market import simulate_market
from medsuite.bench.finance.draw.price import LABEL_MARGIN, PriceSpec, compute_facts
from medsuite.bench.finance.draw.tabular import AXIS_MARGIN
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


@pytest.mark.parametrize("seed", range(6))
def test_every_volume_bar_ends_at_its_value_and_has_the_colour_of_its_day(seed: int) -> None:
    """Pixels against arrays: the column of each day is scanned from the top of its pane."""
    chart = draw_chart(ImageType.CANDLESTICK, "cn", np.random.default_rng(seed))
    facts, axis = chart.facts[0], chart.axes["VOL"]
    assert isinstance(facts, PriceFacts)
    columns = np.floor(np.linspace(22, chart.picture.shape[1] - LABEL_MARGIN - 14, len(facts.bars))).astype(int)
    mask = candle_mask(chart.picture)
    hues = {True: [], False: []}
    for day, column in enumerate(columns):
        rows = np.flatnonzero(mask[int(axis.top) - 1 : int(axis.bottom) + 1, column]) + int(axis.top) - 1
        expected = axis.pixel(facts.panes["VOL"]["VOL"][day])
        if axis.pixel(0) - expected > 3:
            assert rows.min() == pytest.approx(expected, abs=1.5), day
            hues[bool(facts.bars.close[day] >= facts.bars.open[day])].append(chart.picture[rows[1], column].astype(int))
    rise, fall = (np.median(hues[rose], axis=0) for rose in (True, False))
    assert (rise[0] > rise[1]) != (fall[0] > fall[1]), "one is red and the other green"
    for rose, centre in ((True, rise), (False, fall)):
        assert np.abs(np.array(hues[rose]) - centre).max() < 60


@pytest.mark.parametrize("seed", range(6))
def test_every_bar_of_a_statistical_chart_is_as_tall_as_its_number(seed: int) -> None:
    """Each bar is climbed from its foot until its colour ends; the axis says what number stands there."""
    chart = draw_chart(ImageType.STATISTICAL, "en", np.random.default_rng(seed))
    facts, axis = chart.facts[0], chart.axes["VALUE"]
    assert isinstance(facts, TableFacts)
    slot = (chart.picture.shape[1] - AXIS_MARGIN - 20) / len(facts.rows)
    width = slot * 0.78 / len(facts.columns)
    foot = round(axis.pixel(0)) - 2
    for index in range(len(facts.rows)):
        for number, cells in enumerate(facts.columns.values()):
            column = round(AXIS_MARGIN + slot * (index + 0.11) + (number + 0.45) * width)
            strip = chart.picture[: foot + 1, column].astype(int)
            other = np.flatnonzero(np.abs(strip - strip[foot]).sum(axis=1) > 90)
            assert axis.pixel(float(cells[index])) == pytest.approx(other.max() + 1, abs=1.5), (index, number)
