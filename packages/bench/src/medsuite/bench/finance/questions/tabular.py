"""Questions about statistical charts, tables and report pages."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from medsuite.bench.finance.draw.chart import Chart, DocumentFacts, TableFacts
from medsuite.bench.finance.draw.vocabulary import VOCABULARIES
from medsuite.bench.finance.questions.draft import Draft, all_of, ask, ask_absent
from medsuite.bench.finance.schema import Language, Task


def ask_about_bars(chart: Chart, facts: TableFacts, rng: np.random.Generator) -> list[Draft]:
    """Ask about a statistical chart; values that are not printed are asked for as estimates only."""
    language, words = chart.language, VOCABULARIES[chart.language]
    series = _pick(rng, list(facts.columns))
    cells = dict(zip(facts.rows, facts.columns[series], strict=True))
    printed = [row for row in facts.rows if row not in facts.unlabelled]
    period, (first, second) = _pick(rng, printed), _pick_two(rng, printed)
    hidden = facts.unlabelled[0]
    change = Decimal(cells[second]) - Decimal(cells[first])
    absent_series = _pick(rng, [name for name in words.series if name not in facts.columns])
    change_slots = {"series": series, "first": first, "second": second}
    estimate = ask(Task.ESTIMATED_CALCULATION, "bar_estimate", language, cells[hidden], series=series, period=hidden)
    drafts = [
        ask(Task.OCR, "bar_value", language, cells[period], series=series, period=period),
        ask(Task.ENTITY_RECOGNITION, "series_names", language, all_of(facts.columns)),
        ask(Task.ACCURATE_CALCULATION, "period_change", language, str(change), **change_slots),
        estimate.on_axis(chart.axes["VALUE"].span),
        ask_absent("bar_value", language, series=absent_series, period=period),
    ]
    highest = _clear_highest(cells, margin=0.02)
    if highest:
        draft = ask(Task.SPATIAL_AWARENESS, "highest_period", language, highest, series=series)
        drafts.append(draft.among(facts.rows))
    return drafts


def ask_about_table(chart: Chart, facts: TableFacts, rng: np.random.Generator) -> list[Draft]:
    """Ask for cells, heads, the highest row and a difference; and for a row or a column that is not there."""
    language, words = chart.language, VOCABULARIES[chart.language]
    column, other, third = (_pick(rng, list(facts.columns)) for _ in range(3))
    row, (first, second) = _pick(rng, facts.rows), _pick_two(rng, facts.rows)
    cells = dict(zip(facts.rows, facts.columns[column], strict=True))
    others = dict(zip(facts.rows, facts.columns[other], strict=True))
    difference = Decimal(others[first]) - Decimal(others[second])
    slots = {"column": other, "first": first, "second": second}
    drafts = [
        ask(Task.OCR, "cell_value", language, cells[row], column=column, row=row),
        ask(Task.ENTITY_RECOGNITION, "column_names", language, all_of(facts.columns)),
        ask(Task.ACCURATE_CALCULATION, "cell_difference", language, str(difference), **slots),
    ]
    highest = _clear_highest(dict(zip(facts.rows, facts.columns[third], strict=True)), margin=0.0)
    if highest:
        draft = ask(Task.SPATIAL_AWARENESS, "highest_row", language, highest, column=third)
        drafts.append(draft.among(facts.rows))
    if rng.random() < 0.5:
        absent = {"row": _pick(rng, [name for name in words.companies if name not in facts.rows]), "column": column}
    else:
        absent = {"row": row, "column": _pick(rng, [name for name in words.columns if name not in facts.columns])}
    return [*drafts, ask_absent("cell_value", language, **absent)]


def ask_about_document(chart: Chart, facts: DocumentFacts, rng: np.random.Generator) -> list[Draft]:
    """Ask for amounts, the issuer, the order of sections and a growth rate; and for an amount that is not stated."""
    language, words = chart.language, VOCABULARIES[chart.language]
    item, grown = _pick(rng, list(facts.amounts)), _pick(rng, list(facts.amounts))
    years = list(facts.amounts[item])
    year = _pick(rng, years)
    position = int(rng.integers(0, len(facts.sections) - 1))
    before, after = facts.sections[position], facts.sections[position + 1]
    slots = {"item": grown, "first": years[0], "second": years[1]}
    near_miss = rng.random() < 0.25
    absent_item = item if near_miss else _pick(rng, [name for name in words.items if name not in facts.amounts])
    absent_year = str(int(years[0]) - 1) if near_miss else year
    return [
        ask(Task.OCR, "amount", language, facts.amounts[item][year], item=item, year=year),
        ask(Task.ENTITY_RECOGNITION, "issuer", language, facts.company),
        ask(Task.SPATIAL_AWARENESS, "next_section", language, after, section=before).among(facts.sections),
        ask(Task.ACCURATE_CALCULATION, "growth", language, _growth(facts, grown, years, language), **slots),
        ask_absent("amount", language, item=absent_item, year=absent_year),
    ]


def _growth(facts: DocumentFacts, item: str, years: Sequence[str], language: Language) -> str:
    """Compute the growth in percent, rounded half up to two decimals."""
    unit = VOCABULARIES[language].amount.format(value="")
    before, after = (Decimal(facts.amounts[item][year].replace(unit, "").replace(",", "")) for year in years)
    return f"{(100 * (after / before - 1)).quantize(Decimal('0.01'), ROUND_HALF_UP)}%"


def _clear_highest(cells: dict[str, str], margin: float) -> str | None:
    """The row of the largest value, or None where the second largest is within a share `margin` of it."""
    order = sorted(cells, key=lambda row: Decimal(cells[row]), reverse=True)
    largest, second = (float(cells[row]) for row in order[:2])
    return order[0] if largest - second > margin * abs(largest) else None


def _pick(rng: np.random.Generator, names: Sequence[str]) -> str:
    return str(names[int(rng.integers(len(names)))])


def _pick_two(rng: np.random.Generator, names: Sequence[str]) -> tuple[str, str]:
    first, second = rng.choice(len(names), 2, replace=False)
    return names[int(first)], names[int(second)]
