"""All questions about one picture."""

import numpy as np

from medsuite.bench.finance.draw.chart import Chart, DocumentFacts, PriceFacts, TableFacts
from medsuite.bench.finance.questions.draft import Draft
from medsuite.bench.finance.questions.price import ask_about_price
from medsuite.bench.finance.questions.tabular import ask_about_bars, ask_about_document, ask_about_table
from medsuite.bench.finance.schema import ImageType, Question


def make_questions(chart: Chart, picture: str, rng: np.random.Generator, style: str = "computer") -> list[Question]:
    """Ask about everything that a picture shows.

    Args:
        chart: The picture with its facts.
        picture: Path under which it is stored; it also begins the indices of the questions.
        rng: Chooses what is asked for.
        style: How the picture is taken.
    """
    drafts = [draft for facts in chart.facts for draft in _drafts(chart, facts, rng)]
    return [
        Question(
            index=f"{picture.rpartition('.')[0] or picture}-{number}",
            picture=picture,
            image_type=chart.image_type,
            image_style=style,
            task=draft.task,
            text=draft.text,
            answer=draft.answer,
            language=chart.language,
            options=draft.options,
            axis_span=draft.axis_span,
            template=draft.template,
        )
        for number, draft in enumerate(drafts)
    ]


def _drafts(chart: Chart, facts: PriceFacts | TableFacts | DocumentFacts, rng: np.random.Generator) -> list[Draft]:
    if isinstance(facts, PriceFacts):
        return ask_about_price(chart, facts, rng)
    if isinstance(facts, DocumentFacts):
        return ask_about_document(chart, facts, rng)
    if chart.image_type is ImageType.STATISTICAL:
        return ask_about_bars(chart, facts, rng)
    return ask_about_table(chart, facts, rng)
