"""Benchmarks of language models in the clinic and in finance, with honest baselines."""

from typing import TYPE_CHECKING

from medsuite.core.lazy import lazy_names

if TYPE_CHECKING:
    from medsuite.bench.clinical.ask import ask
    from medsuite.bench.clinical.classical import fit_paper, fit_tuned
    from medsuite.bench.clinical.cohort import build_cohort
    from medsuite.bench.clinical.features import CodeFeatures, PaperFeatures
    from medsuite.bench.clinical.prompts import write_prompts
    from medsuite.bench.clinical.score import score
    from medsuite.bench.clinical.simulate.posterior import posterior
    from medsuite.bench.clinical.simulate.world import EHRWorld
    from medsuite.bench.clinical.simulate.write_mimic4 import write_mimic4
    from medsuite.bench.clinical.sources.mimic4 import open_source
    from medsuite.bench.clinical.splits import paper_split, split_patients
    from medsuite.bench.clinical.task import make_task
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
    "CodeFeatures": "clinical.features",
    "EHRWorld": "clinical.simulate.world",
    "PaperFeatures": "clinical.features",
    "aggregate": "finance.aggregate",
    "ask": "clinical.ask",
    "build_cohort": "clinical.cohort",
    "check_table": "finance.published",
    "draw_chart": "finance.draw.generate",
    "fit_paper": "clinical.classical",
    "fit_tuned": "clinical.classical",
    "infer_counts": "finance.published",
    "judge_answers": "finance.judging",
    "judge_card": "finance.judging",
    "make_questions": "finance.questions.make",
    "make_set": "finance.sets",
    "make_task": "clinical.task",
    "number_is_right": "finance.rules.number",
    "open_source": "clinical.sources.mimic4",
    "paper_split": "clinical.splits",
    "photograph": "finance.camera",
    "posterior": "clinical.simulate.posterior",
    "published": "finance.published",
    "quantities": "finance.rules.quantity",
    "read_questions": "finance.tsv",
    "score": "clinical.score",
    "score_rule": "finance.rules.score",
    "split_patients": "clinical.splits",
    "validate": "finance.tsv",
    "write_mimic4": "clinical.simulate.write_mimic4",
    "write_prompts": "clinical.prompts",
}

__all__ = [
    "CodeFeatures",
    "EHRWorld",
    "PaperFeatures",
    "aggregate",
    "ask",
    "build_cohort",
    "check_table",
    "draw_chart",
    "fit_paper",
    "fit_tuned",
    "infer_counts",
    "judge_answers",
    "judge_card",
    "make_questions",
    "make_set",
    "make_task",
    "number_is_right",
    "open_source",
    "paper_split",
    "photograph",
    "posterior",
    "published",
    "quantities",
    "read_questions",
    "score",
    "score_rule",
    "split_patients",
    "validate",
    "write_mimic4",
    "write_prompts",
]

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
