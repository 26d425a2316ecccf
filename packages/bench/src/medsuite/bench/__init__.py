"""Benchmarks of language models in the clinic and in finance, with honest baselines."""

from typing import TYPE_CHECKING

from medsuite.core.lazy import lazy_names

if TYPE_CHECKING:
    from medsuite.bench.finance.aggregate import aggregate
    from medsuite.bench.finance.camera import photograph
    from medsuite.bench.finance.draw.generate import draw_chart
    from medsuite.bench.finance.judging import judge_answers, judge_card
    from medsuite.bench.finance.published import check_table, infer_counts, published
    from medsuite.bench.finance.questions.make import make_questions
    from medsuite.bench.finance.rules.number import number_is_right
    from medsuite.bench.finance.rules.quantity import quantities
    from medsuite.bench.finance.rules.score import score_rule
    from medsuite.bench.finance.sets import make_set
    from medsuite.bench.finance.tsv import read_questions, validate

_HOMES = {
    "aggregate": "aggregate",
    "check_table": "published",
    "draw_chart": "draw.generate",
    "infer_counts": "published",
    "judge_answers": "judging",
    "judge_card": "judging",
    "make_questions": "questions.make",
    "make_set": "sets",
    "number_is_right": "rules.number",
    "photograph": "camera",
    "published": "published",
    "quantities": "rules.quantity",
    "read_questions": "tsv",
    "score_rule": "rules.score",
    "validate": "tsv",
}

__all__ = [
    "aggregate",
    "check_table",
    "draw_chart",
    "infer_counts",
    "judge_answers",
    "judge_card",
    "make_questions",
    "make_set",
    "number_is_right",
    "photograph",
    "published",
    "quantities",
    "read_questions",
    "score_rule",
    "validate",
]

__getattr__, __dir__ = lazy_names(__name__, {name: f"finance.{module}" for name, module in _HOMES.items()})
