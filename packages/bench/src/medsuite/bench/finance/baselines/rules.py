"""The baseline: recognise the question's wording, look the answer up on the page, and abstain where that fails."""

from medsuite.bench.finance.baselines import price_rules, tabular_rules
from medsuite.bench.finance.baselines.page import Page
from medsuite.bench.finance.schema import Question
from medsuite.bench.finance.templates import NOT_APPLICABLE, recognise

RULES = {**price_rules.RULES, **tabular_rules.RULES}


def answer(question: Question, page: Page) -> str:
    """Answer a generated question from the words and pixels of a page.

    The rules know the wordings of `templates` and were written by the author of the charts, so that on perfect screens
    they are a ceiling by construction; what they measure is what a change of the picture costs.
    """
    recognised = recognise(question.text, question.language)
    found = None
    if recognised is not None and page.words:
        name, slots = recognised
        found = RULES[name](page, slots, question.language)
    return found if found is not None else NOT_APPLICABLE[question.language]
