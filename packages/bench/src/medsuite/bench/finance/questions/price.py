"""Questions about price charts."""

from decimal import Decimal

import numpy as np

from medsuite.bench.finance.draw.axes import ticks
from medsuite.bench.finance.draw.chart import Chart, PriceFacts
from medsuite.bench.finance.questions.draft import Draft, all_of, ask, ask_absent
from medsuite.bench.finance.schema import Task
from medsuite.bench.finance.templates import CHOICES

ORDERED_LINES = (("K", "D"), ("DIF", "DEA"), ("RSI6", "RSI12"))
THIRDS = ("left", "middle", "right")
CLEAR_OF_EDGE = 0.04
"""A high this close to the edge between two thirds (as a share of the chart) gives no question."""


def ask_about_price(chart: Chart, facts: PriceFacts, rng: np.random.Generator) -> list[Draft]:
    """Ask for values, names, places, differences and estimates; answers come from the drawn arrays."""
    drafts = [*_recognise(chart, facts), *_locate(chart, facts), *_estimate(chart, facts, rng)]
    drafts += _read_header(chart, facts, rng) if facts.header else _read_axis(chart)
    return drafts + _ask_absent_lines(chart, facts, rng)


def _recognise(chart: Chart, facts: PriceFacts) -> list[Draft]:
    drafts = [
        ask(Task.OCR, "stock_code", chart.language, facts.code),
        ask(Task.ENTITY_RECOGNITION, "overlay_names", chart.language, all_of(facts.overlays)),
    ]
    indicator_panes = [pane for pane in facts.panes if pane != "VOL"]
    if indicator_panes:
        options = ("MACD", "KDJ", "RSI")
        answer = indicator_panes[-1]
        drafts.append(ask(Task.ENTITY_RECOGNITION, "lowest_pane", chart.language, answer).among(options))
    return drafts


def _locate(chart: Chart, facts: PriceFacts) -> list[Draft]:
    """Ask where the highest price is, and which of two lines ends above the other."""
    words = CHOICES[chart.language]
    place = float(np.argmax(facts.bars.high)) / (len(facts.bars) - 1)
    drafts = []
    if min(abs(place - 1 / 3), abs(place - 2 / 3)) > CLEAR_OF_EDGE:
        answer = words[THIRDS[min(int(place * 3), 2)]]
        thirds = [words[third] for third in THIRDS]
        drafts.append(ask(Task.SPATIAL_AWARENESS, "high_place", chart.language, answer).among(thirds))
    for first, second in ORDERED_LINES:
        if first in facts.last and round(facts.last[first], 2) != round(facts.last[second], 2):
            answer = words["above" if facts.last[first] > facts.last[second] else "below"]
            options = (words["above"], words["below"])
            slots = {"first": first, "second": second}
            draft = ask(Task.SPATIAL_AWARENESS, "line_order", chart.language, answer, **slots)
            drafts.append(draft.among(options))
    return drafts


def _read_header(chart: Chart, facts: PriceFacts, rng: np.random.Generator) -> list[Draft]:
    """Ask for printed values and for differences of them; differences are taken of the values as printed."""
    names = [name for name in facts.last if name not in ("HIST", "VOL")]
    line = str(rng.choice(names))
    drafts = [ask(Task.OCR, "line_value", chart.language, str(_printed(facts.last[line])), line=line)]
    spread = _printed(facts.bars.high[-1]) - _printed(facts.bars.low[-1])
    drafts.append(ask(Task.ACCURATE_CALCULATION, "day_range", chart.language, str(spread)))
    first, second = (str(name) for name in rng.choice(names, 2, replace=False))
    difference = _printed(facts.last[first]) - _printed(facts.last[second])
    slots = {"first": first, "second": second}
    return [*drafts, ask(Task.ACCURATE_CALCULATION, "line_difference", chart.language, str(difference), **slots)]


def _read_axis(chart: Chart) -> list[Draft]:
    """Without printed values, ask for the labels of the price axis."""
    axis = chart.axes["PRICE"]
    labels = [
        tick for tick in ticks(axis.lower, axis.upper, 7) if axis.top - 2 <= axis.pixel(float(tick)) <= axis.bottom + 4
    ]
    if len(labels) < 2:
        return []
    spread = str(labels[-1] - labels[0])
    return [
        ask(Task.OCR, "top_label", chart.language, str(labels[-1])),
        ask(Task.ACCURATE_CALCULATION, "label_range", chart.language, spread),
    ]


def _estimate(chart: Chart, facts: PriceFacts, rng: np.random.Generator) -> list[Draft]:
    """Ask for an extreme that must be read off an axis."""
    bars, axis = facts.bars, chart.axes["PRICE"]
    name, value = ("highest_price", bars.high.max()) if rng.random() < 0.5 else ("lowest_price", bars.low.min())
    drafts = [ask(Task.ESTIMATED_CALCULATION, name, chart.language, str(_printed(value))).on_axis(axis.span)]
    for pane in ("RSI", "KDJ"):
        if pane in facts.panes:
            line = next(iter(facts.panes[pane]))
            answer = str(_printed(facts.panes[pane][line].max()))
            span = chart.axes[pane].span
            draft = ask(Task.ESTIMATED_CALCULATION, "line_maximum", chart.language, answer, line=line)
            drafts.append(draft.on_axis(span))
    return drafts


def _ask_absent_lines(chart: Chart, facts: PriceFacts, rng: np.random.Generator) -> list[Draft]:
    """Ask for a line that is not drawn; a quarter of the time a near miss."""
    absent = [name for name in ("MA7", "MA15", "MA120", "MA250") if name not in facts.overlays]
    far = [line for line in ("K", "DIF", "RSI6") if line not in facts.last]
    names = absent if rng.random() < 0.25 or not far else far
    return [ask_absent("line_value", chart.language, line=str(rng.choice(names)))]


def _printed(value: float) -> Decimal:
    """A value as the header prints it."""
    return Decimal(f"{value:.2f}")
