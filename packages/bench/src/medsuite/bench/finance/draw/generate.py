"""Draw a picture of each type with random content; the seed decides everything."""

from collections.abc import Callable

import numpy as np

from medsuite.bench.finance.draw.canvas import Canvas, make_theme
from medsuite.bench.finance.draw.chart import Chart, DocumentFacts, TableFacts
from medsuite.bench.finance.draw.market import simulate_market
from medsuite.bench.finance.draw.price import WARM_UP, PriceSpec, compute_facts, draw_price
from medsuite.bench.finance.draw.tabular import draw_bars, draw_document, draw_table
from medsuite.bench.finance.draw.vocabulary import VOCABULARIES
from medsuite.bench.finance.schema import ImageType, Language

FONT_SIZES = (11, 12, 13, 14, 15, 16)
"""Font sizes in pixels, drawn with equal chance: reading a photograph fails between two neighbouring sizes."""

WIDTH, HEIGHT, MIXED_HEIGHT = 1000, 600, 860
AVERAGE_LENGTHS = (5, 10, 20, 30, 60)


def draw_chart(image_type: ImageType, language: Language, rng: np.random.Generator, header: bool = True) -> Chart:
    """Draw one picture.

    Args:
        image_type: What it shows.
        language: Language of its text.
        rng: Source of all randomness; equal generators give equal pictures.
        header: On price charts, print the last day's values above each pane.
    """
    return _DRAW[image_type](language, rng, header)


def _canvas(language: Language, rng: np.random.Generator, height: int = HEIGHT, plain: bool = False) -> Canvas:
    scheme, ground = rng.choice(["red_up", "green_up"]), rng.choice(["light", "dark"])
    theme = make_theme(scheme, "light" if plain else ground)
    return Canvas(WIDTH, height, theme, language, int(rng.choice(FONT_SIZES)))


def _price_spec(image_type: ImageType, language: Language, rng: np.random.Generator, header: bool) -> PriceSpec:
    """Choose averages or bands, and panes: volume for a candlestick chart, one or two indicators otherwise."""
    bands = bool(rng.random() < 0.25)
    lengths = rng.choice(AVERAGE_LENGTHS, int(rng.integers(2, 4)), replace=False)
    panes = ["VOL"]
    if image_type is ImageType.INDICATOR:
        panes = [str(pane) for pane in rng.choice(["MACD", "KDJ", "RSI"], int(rng.integers(1, 3)), replace=False)]
    code = str(rng.integers(600_000, 604_000))
    averages = () if bands else tuple(int(length) for length in sorted(lengths))
    return PriceSpec(averages, bands, tuple(panes), header, str(rng.choice(VOCABULARIES[language].companies)), code)


def _draw_candlestick(language: Language, rng: np.random.Generator, header: bool) -> Chart:
    return _draw_price_chart(ImageType.CANDLESTICK, language, rng, header)


def _draw_indicator(language: Language, rng: np.random.Generator, header: bool) -> Chart:
    return _draw_price_chart(ImageType.INDICATOR, language, rng, header)


def _draw_price_chart(image_type: ImageType, language: Language, rng: np.random.Generator, header: bool) -> Chart:
    canvas = _canvas(language, rng)
    spec = _price_spec(image_type, language, rng, header)
    facts = compute_facts(simulate_market(WARM_UP + int(rng.integers(50, 90)), rng), spec, language)
    axes = draw_price(canvas, facts, spec)
    return Chart(canvas.finish(), image_type, language, tuple(canvas.texts), (facts,), axes)


def _draw_statistical(language: Language, rng: np.random.Generator, header: bool) -> Chart:  # noqa: ARG001
    words = VOCABULARIES[language]
    canvas = _canvas(language, rng)
    first_year, first_quarter, count = int(rng.integers(2017, 2023)), int(rng.integers(0, 4)), int(rng.integers(6, 9))
    quarters = [divmod(first_quarter + step, 4) for step in range(count)]
    rows = tuple(words.quarter.format(year=first_year + year, quarter=quarter + 1) for year, quarter in quarters)
    names = rng.choice(words.series, int(rng.integers(1, 3)), replace=False)
    scale = 10 ** rng.uniform(1.2, 2.6)
    columns = {str(name): tuple(f"{scale * rng.uniform(0.35, 1):.1f}" for _ in rows) for name in names}
    facts = TableFacts(rows, columns, unlabelled=(str(rng.choice(rows)),))
    axes = {"VALUE": draw_bars(canvas, facts)}
    return Chart(canvas.finish(), ImageType.STATISTICAL, language, tuple(canvas.texts), (facts,), axes)


def _table_facts(language: Language, rng: np.random.Generator, rows: int) -> TableFacts:
    words = VOCABULARIES[language]
    names = tuple(str(name) for name in rng.choice(words.companies, rows, replace=False))
    columns = [str(column) for column in rng.choice(list(words.columns), int(rng.integers(4, 6)), replace=False)]
    cells = {column: tuple(f"{rng.uniform(*words.columns[column]):.2f}" for _ in names) for column in columns}
    return TableFacts(names, cells)


def _draw_table(language: Language, rng: np.random.Generator, header: bool) -> Chart:  # noqa: ARG001
    canvas = _canvas(language, rng)
    facts = _table_facts(language, rng, int(rng.integers(6, 10)))
    draw_table(canvas, facts)
    return Chart(canvas.finish(), ImageType.TABLE, language, tuple(canvas.texts), (facts,))


def _draw_document(language: Language, rng: np.random.Generator, header: bool) -> Chart:  # noqa: ARG001
    words = VOCABULARIES[language]
    canvas = _canvas(language, rng, plain=True)
    sections = tuple(str(title) for title in rng.choice(words.sections, int(rng.integers(3, 5)), replace=False))
    year = int(rng.integers(2015, 2023))
    items = [str(item) for item in rng.choice(words.items, 4, replace=False)]
    amounts = {item: {str(y): _amount(words.amount, rng) for y in (year, year + 1)} for item in items}
    facts = DocumentFacts(str(rng.choice(words.companies)), sections, amounts)
    draw_document(canvas, facts, rng)
    return Chart(canvas.finish(), ImageType.DOCUMENT, language, tuple(canvas.texts), (facts,))


def _amount(pattern: str, rng: np.random.Generator) -> str:
    return pattern.format(value=f"{rng.uniform(100, 9000):,.2f}")


def _draw_mixed(language: Language, rng: np.random.Generator, header: bool) -> Chart:
    """Draw a candlestick chart above a quote table."""
    canvas = _canvas(language, rng, height=MIXED_HEIGHT)
    spec = _price_spec(ImageType.CANDLESTICK, language, rng, header)
    price = compute_facts(simulate_market(WARM_UP + int(rng.integers(50, 90)), rng), spec, language)
    axes = draw_price(canvas, price, spec, height=HEIGHT - 40)
    table = _table_facts(language, rng, 5)
    draw_table(canvas, table, top=HEIGHT - 40)
    return Chart(canvas.finish(), ImageType.MIXED, language, tuple(canvas.texts), (price, table), axes)


_DRAW: dict[ImageType, Callable[[Language, np.random.Generator, bool], Chart]] = {
    ImageType.CANDLESTICK: _draw_candlestick,
    ImageType.INDICATOR: _draw_indicator,
    ImageType.STATISTICAL: _draw_statistical,
    ImageType.TABLE: _draw_table,
    ImageType.DOCUMENT: _draw_document,
    ImageType.MIXED: _draw_mixed,
}
