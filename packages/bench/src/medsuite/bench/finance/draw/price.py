"""Candlestick charts with averages or bands, a volume pane and indicator panes, in English and Chinese."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medsuite.bench.finance.draw import indicators
from medsuite.bench.finance.draw.axes import Axis, fit_axis, tick_label, ticks
from medsuite.bench.finance.draw.canvas import Canvas
from medsuite.bench.finance.draw.chart import PriceFacts
from medsuite.bench.finance.draw.market import Bars
from medsuite.bench.finance.schema import Language
from medsuite.core.errors import InputError, unknown_name

WARM_UP = 130
"""Bars before the first visible one: from here on all conventions of starting an average agree."""

PANES = ("VOL", "MACD", "KDJ", "RSI")
WORDS: dict[Language, dict[str, str]] = {
    "en": {"open": "O", "high": "H", "low": "L", "close": "C", "volume": "Volume", "unit": "K"},
    "cn": {"open": "开", "high": "高", "low": "低", "close": "收", "volume": "成交量", "unit": "万"},
}
LABEL_MARGIN = 78
HUNDREDTH = 2


@dataclass(frozen=True)
class PriceSpec:
    """What a price chart is to show.

    Attributes:
        averages: Lengths of the moving averages over the candles.
        bands: Draw the Bollinger bands BOLL(20, 2).
        panes: Panes below the candles, from `PANES`.
        header: Print the last day's values above each pane; without it only names are printed.
        title: Name of the instrument.
        code: Its code.
    """

    averages: tuple[int, ...]
    bands: bool
    panes: tuple[str, ...]
    header: bool
    title: str
    code: str

    def __post_init__(self) -> None:
        """Refuse a pane that is not known."""
        for pane in self.panes:
            if pane not in PANES:
                raise unknown_name("pane", pane, PANES)


def compute_facts(history: Bars, spec: PriceSpec, language: Language) -> PriceFacts:
    """Compute every line of a chart over the whole history and keep what is visible.

    Raises:
        InputError: The history has no bar left after the warm-up.
    """
    if len(history) <= WARM_UP:
        raise InputError(f"{len(history)} bars given", expected=f"more than {WARM_UP}, which warm the averages up")
    overlays = {f"MA{length}": indicators.moving_average(history.close, length) for length in spec.averages}
    if spec.bands:
        bands = indicators.bollinger(history.close)
        overlays |= {"LOWER": bands.lower, "MID": bands.middle, "UPPER": bands.upper}
    panes = {pane: {n: v[WARM_UP:] for n, v in _pane_lines(history, pane, language).items()} for pane in spec.panes}
    visible = Bars(*(getattr(history, name)[WARM_UP:] for name in ("dates", "open", "high", "low", "close", "volume")))
    return PriceFacts(visible, {n: v[WARM_UP:] for n, v in overlays.items()}, panes, spec.header, spec.code)


def _pane_lines(history: Bars, pane: str, language: Language) -> dict[str, Float[np.ndarray, " bars"]]:
    """Compute the lines of one pane; the MACD histogram is doubled on Chinese charts, as terminals there do."""
    if pane == "MACD":
        macd = indicators.macd(history.close, histogram_factor=2 if language == "cn" else 1)
        return {"DIF": macd.dif, "DEA": macd.dea, "HIST": macd.histogram}
    if pane == "KDJ":
        oscillator = indicators.kdj(history.high, history.low, history.close)
        return {"K": oscillator.k, "D": oscillator.d, "J": oscillator.j}
    if pane == "RSI":
        return {f"RSI{length}": indicators.rsi(history.close, length) for length in (6, 12)}
    return {"VOL": history.volume / _volume_unit(language)}


def _volume_unit(language: Language) -> float:
    return 10_000.0 if language == "cn" else 1_000.0


def draw_price(
    canvas: Canvas, facts: PriceFacts, spec: PriceSpec, top: float | int = 0, height: float | int | None = None
) -> dict[str, Axis]:
    """Draw a price chart into a horizontal strip of a canvas and return its axes by pane name (`PRICE` on top)."""
    height = height or canvas.height - top
    heading = canvas.font_size * 1.9
    canvas.write((14, top + heading / 2 + 2), f"{spec.title} {spec.code}", size=canvas.font_size + 2)
    dates_height = canvas.font_size * 1.8
    plot_height = height - heading - dates_height
    unit = plot_height / (2.6 + len(spec.panes))
    edges = [top + heading, top + heading + 2.6 * unit]
    edges += [edges[-1] + unit * (number + 1) for number in range(len(spec.panes))]
    columns = _columns(canvas, len(facts.bars))
    axes = {"PRICE": _draw_candles(canvas, facts, edges[0], edges[1], columns)}
    for pane, pane_top, pane_bottom in zip(spec.panes, edges[1:], edges[2:], strict=False):
        axes[pane] = _draw_pane(canvas, facts, pane, (pane_top, pane_bottom), columns)
    _write_dates(canvas, facts.bars, columns, edges[-1] + dates_height / 2)
    return axes


def _columns(canvas: Canvas, bars: int) -> Float[np.ndarray, " bars"]:
    """Centre of each bar in pixels, at half pixels so that a wick covers one column."""
    return np.floor(np.linspace(22, canvas.width - LABEL_MARGIN - 14, bars)) + 0.5


def _draw_candles(
    canvas: Canvas, facts: PriceFacts, top: float, bottom: float, columns: Float[np.ndarray, " bars"]
) -> Axis:
    """Draw the pane of prices: header, grid, candles and the lines over them."""
    bars, theme = facts.bars, canvas.theme
    lines = np.concatenate([bars.low, bars.high, *facts.overlays.values()])
    line_height = canvas.font_size * 1.6
    header_lines = 2 if facts.header else 1
    axis = fit_axis(float(lines.min()), float(lines.max()), top + line_height * header_lines + 4, bottom - 8)
    _draw_grid(canvas, axis, top)
    if facts.header:
        words = WORDS[canvas.language]
        last = {words[name]: float(getattr(bars, name)[-1]) for name in ("open", "high", "low", "close")}
        _write_header(canvas, top + line_height / 2, "", last, colours=False)
    _write_header(canvas, top + line_height * (header_lines - 0.5), "", _shown(facts.overlays, facts.header))
    half = max(1.0, np.floor((columns[1] - columns[0]) * 0.35))
    for index, column in enumerate(columns):
        colour = theme.rise if bars.close[index] >= bars.open[index] else theme.fall
        high, low = axis.pixel(bars.high[index]), axis.pixel(bars.low[index])
        canvas.rectangle((column - 0.5, high), (column + 0.5, max(low, high + 1)), colour)
        first, second = axis.pixel(bars.open[index]), axis.pixel(bars.close[index])
        middle = (first + second) / 2
        reach = max(abs(first - second) / 2, 0.5)
        canvas.rectangle((column - half, middle - reach), (column + half, middle + reach), colour)
    _draw_lines(canvas, axis, facts.overlays, columns)
    return axis


def _draw_pane(
    canvas: Canvas, facts: PriceFacts, pane: str, strip: tuple[float, float], columns: Float[np.ndarray, " bars"]
) -> Axis:
    """Draw volume bars or an indicator under its header."""
    top, bottom = strip
    lines, theme = facts.panes[pane], canvas.theme
    values = np.concatenate(list(lines.values()))
    smallest = 0.0 if pane == "VOL" else float(values.min())
    header_height = canvas.font_size * 1.6
    axis = fit_axis(smallest, float(values.max()), top + header_height + 2, bottom - 6, margin=0.04)
    _draw_grid(canvas, axis, top, about=4)
    _write_header(canvas, top + header_height / 2, _pane_name(pane, canvas.language), _shown(lines, facts.header))
    half = max(1.0, np.floor((columns[1] - columns[0]) * 0.35))
    if pane == "VOL":
        rising = facts.bars.close >= facts.bars.open
        for column, value, rose in zip(columns, lines["VOL"], rising, strict=True):
            colour = theme.rise if rose else theme.fall
            canvas.rectangle((column - half, axis.pixel(value)), (column + half, axis.pixel(0)), colour)
        return axis
    for column, value in zip(columns, lines.get("HIST", ()), strict=False):
        colour = theme.rise if value >= 0 else theme.fall
        canvas.rectangle((column - half, axis.pixel(value)), (column + half, axis.pixel(0)), colour)
    _draw_lines(canvas, axis, {name: line for name, line in lines.items() if name != "HIST"}, columns)
    return axis


def _pane_name(pane: str, language: Language) -> str:
    words = WORDS[language]
    parameters = {"MACD": "MACD(12,26,9)", "KDJ": "KDJ(9,3,3)", "RSI": "RSI(6,12)"}
    return parameters.get(pane, f"{words['volume']}({words['unit']})")


def _shown(lines: Mapping[str, Float[np.ndarray, " bars"]], header: bool) -> dict[str, float | None]:
    """The last value of each line, or None where only names are printed."""
    return {name: float(line[-1]) if header else None for name, line in lines.items()}


def _write_header(
    canvas: Canvas, row: float, name: str, values: Mapping[str, float | None], colours: bool = True
) -> None:
    """Write `NAME  LINE: value  LINE: value`, each line in its colour; a value of None prints the name alone."""
    right = canvas.write((14, row), name) if name else 14 - canvas.font_size
    for index, (line, value) in enumerate(values.items()):
        palette = canvas.theme.lines
        colour = palette[index % len(palette)] if colours and line not in ("HIST", "VOL") else canvas.theme.ink
        text = line if value is None else f"{line}: {value:.{HUNDREDTH}f}"
        right = canvas.write((right + canvas.font_size, row), text, colour)


def _draw_grid(canvas: Canvas, axis: Axis, top: float, about: int = 7) -> None:
    """Draw grid lines at round values with labels at the right, and a separator above the pane."""
    right = canvas.width - LABEL_MARGIN
    canvas.line([(0, top), (canvas.width, top)], canvas.theme.grid)
    for tick in ticks(axis.lower, axis.upper, about):
        row = axis.pixel(float(tick))
        canvas.line([(12, row), (right, row)], canvas.theme.grid)
        if axis.top - 2 <= row <= axis.bottom + 4:
            canvas.write((right + 8, row), tick_label(tick))


def _draw_lines(
    canvas: Canvas,
    axis: Axis,
    lines: Mapping[str, Float[np.ndarray, " bars"]],
    columns: Float[np.ndarray, " bars"],
) -> None:
    for colour, line in zip(canvas.theme.lines, lines.values(), strict=False):
        canvas.line([(x, axis.pixel(y)) for x, y in zip(columns, line, strict=True)], colour, width=1.5)


def _write_dates(canvas: Canvas, bars: Bars, columns: Float[np.ndarray, " bars"], row: float) -> None:
    """Write four dates below the chart."""
    for index in np.linspace(0.08, 0.92, 4) * (len(bars) - 1):
        canvas.write((columns[int(index)], row), str(bars.dates[int(index)]), anchor="mm")
