"""Bar charts, quote tables and report pages."""

from collections.abc import Sequence

import numpy as np

from medsuite.bench.finance.draw.axes import Axis, fit_axis, tick_label, ticks
from medsuite.bench.finance.draw.canvas import Canvas
from medsuite.bench.finance.draw.chart import DocumentFacts, TableFacts
from medsuite.bench.finance.draw.vocabulary import VOCABULARIES, Vocabulary

AXIS_MARGIN = 76


def draw_bars(canvas: Canvas, facts: TableFacts) -> Axis:
    """Draw grouped bars from zero, labelled except where the facts say otherwise, and return the value axis."""
    heights = {name: [float(cell) for cell in cells] for name, cells in facts.columns.items()}
    tallest = max(max(cells) for cells in heights.values())
    line = canvas.font_size * 1.7
    axis = fit_axis(0.0, tallest * 1.06, line * 2.2, canvas.height - line * 2, margin=0.0)
    for tick in ticks(axis.lower, axis.upper):
        row = axis.pixel(float(tick))
        canvas.line([(AXIS_MARGIN, row), (canvas.width - 20, row)], canvas.theme.grid)
        canvas.write((AXIS_MARGIN - 8, row), tick_label(tick), anchor="rm")
    _draw_legend(canvas, list(heights), line)
    slot = (canvas.width - AXIS_MARGIN - 20) / len(facts.rows)
    width = slot * 0.78 / len(heights)
    for index, row_name in enumerate(facts.rows):
        left = AXIS_MARGIN + slot * (index + 0.11)
        canvas.write((left + slot * 0.39, canvas.height - line), row_name, anchor="mm")
        for number, (name, cells) in enumerate(heights.items()):
            corner = round(left + number * width), axis.pixel(cells[index])
            colour = canvas.theme.lines[number]
            canvas.rectangle(corner, (round(left + (number + 0.9) * width), axis.pixel(0)), colour)
            if row_name not in facts.unlabelled:
                at = (left + (number + 0.45) * width, corner[1] - 4)
                canvas.write(at, facts.columns[name][index], anchor="mb")
    return axis


def _draw_legend(canvas: Canvas, names: Sequence[str], line: float) -> None:
    right = float(AXIS_MARGIN)
    for name, colour in zip(names, canvas.theme.lines, strict=False):
        side = canvas.font_size * 0.8
        canvas.rectangle((right, line - side / 2), (right + side, line + side / 2), colour)
        right = canvas.write((right + side + 6, line), name) + 24


def draw_table(canvas: Canvas, facts: TableFacts, top: float | int = 0, height: float | int | None = None) -> None:
    """Draw a table with a head, ruled rows, names at the left and right-aligned numbers."""
    height = height or canvas.height - top
    words = VOCABULARIES[canvas.language]
    row_height = min(height / (len(facts.rows) + 2), canvas.font_size * 3.2)
    edges = np.linspace(canvas.width * 0.24, canvas.width - 24, len(facts.columns) + 1)[1:]
    first = top + row_height
    canvas.rectangle((12, first - row_height / 2), (canvas.width - 12, first + row_height / 2), canvas.theme.grid)
    canvas.write((24, first), words.name_column)
    for name, right in zip(facts.columns, edges, strict=True):
        canvas.write((right, first), name, anchor="rm")
    for index, row_name in enumerate(facts.rows):
        row = first + (index + 1) * row_height
        canvas.write((24, row), row_name)
        for cells, right in zip(facts.columns.values(), edges, strict=True):
            canvas.write((right, row), cells[index], anchor="rm")
        canvas.line([(12, row + row_height / 2), (canvas.width - 12, row + row_height / 2)], canvas.theme.grid)


def draw_document(canvas: Canvas, facts: DocumentFacts, rng: np.random.Generator) -> None:
    """Write a report page: title, sections, and paragraphs in which the amounts are stated."""
    words = VOCABULARIES[canvas.language]
    line = canvas.font_size * 1.75
    row = line * 1.3
    canvas.write((40, row), words.report.format(company=facts.company), size=canvas.font_size + 6)
    row += line * 1.4
    stated = [(item, year, amount) for item, years in facts.amounts.items() for year, amount in years.items()]
    shares = np.array_split(np.arange(len(stated)), len(facts.sections))
    for number, (section, share) in enumerate(zip(facts.sections, shares, strict=True), start=1):
        canvas.write((40, row), f"{number}. {section}", size=canvas.font_size + 2)
        row += line * 1.1
        for text in _wrap(canvas, _paragraph(words, [stated[index] for index in share], rng)):
            canvas.write((40, row), text)
            row += line
        row += line * 0.25


def _paragraph(words: Vocabulary, stated: Sequence[tuple[str, str, str]], rng: np.random.Generator) -> list[str]:
    """State the amounts in sentences among sentences without numbers."""
    sentences = [
        str(rng.choice(words.sentences)).format(item=item, year=year, amount=amount) for item, year, amount in stated
    ]
    sentences += [str(sentence) for sentence in rng.choice(words.filler, 3, replace=False)]
    return [sentences[index] for index in rng.permutation(len(sentences))]


def _wrap(canvas: Canvas, sentences: Sequence[str]) -> list[str]:
    """Fill lines with sentences; a sentence is never broken, so that each stated amount stands in one line."""
    joint = " " if canvas.language == "en" else ""
    lines: list[str] = []
    for sentence in sentences:
        candidate = f"{lines[-1]}{joint}{sentence}" if lines else sentence
        if lines and canvas.measure(candidate) <= canvas.width - 80:
            lines[-1] = candidate
        else:
            lines.append(sentence)
    return lines
