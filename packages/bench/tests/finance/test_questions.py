"""Questions: answers recomputed from the printed strings, wording recognised, priors kept low."""

import re
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.bench.finance.baselines.page import page_from_drawing
from medsuite.bench.finance.baselines.rules import answer
from medsuite.bench.finance.draw.generate import draw_chart
from medsuite.bench.finance.questions.make import make_questions
from medsuite.bench.finance.rules.score import axis_tolerance, score_rule
from medsuite.bench.finance.schema import ImageType, Language, Question, Task
from medsuite.bench.finance.templates import TEMPLATES, Template, recognise, template
from medsuite.core.errors import InputError


def questions_about(kind: ImageType, language: Language, seed: int, header: bool = True) -> list[tuple[Question, str]]:
    rng = np.random.default_rng((seed, list(ImageType).index(kind)))
    chart = draw_chart(kind, language, rng, header)
    page = page_from_drawing(chart.texts, chart.picture)
    return [(question, answer(question, page)) for question in make_questions(chart, "a.png", rng)]


@pytest.mark.parametrize("language", ["en", "cn"])
@pytest.mark.parametrize("kind", list(ImageType))
def test_reading_the_drawn_strings_gives_the_computed_answers(kind: ImageType, language: Language) -> None:
    """The rules see strings and pixels, the answers come from the arrays: the two paths share nothing."""
    for seed in range(3):
        for question, reply in questions_about(kind, language, seed):
            if question.task not in (Task.ESTIMATED_CALCULATION, Task.SPATIAL_AWARENESS):
                assert score_rule(question, reply).score == 1.0, (question, reply)


def test_estimates_and_places_are_read_off_most_charts() -> None:
    scores = []
    for seed in range(8):
        for question, reply in questions_about(ImageType.CANDLESTICK, "en", seed, header=False):
            if question.task in (Task.ESTIMATED_CALCULATION, Task.SPATIAL_AWARENESS):
                estimated = question.task is Task.ESTIMATED_CALCULATION
                scores.append(score_rule(question, reply, *([axis_tolerance(question)] if estimated else [])).score)
    assert np.mean(scores) > 0.85


@pytest.mark.parametrize("language", ["en", "cn"])
@pytest.mark.parametrize("kind", list(ImageType))
def test_every_question_is_recognised_by_its_wording(kind: ImageType, language: Language) -> None:
    for question, _ in questions_about(kind, language, 3):
        recognised = recognise(question.text, question.language)
        assert recognised is not None
        assert recognised[0] == question.template


def test_an_unanswerable_question_has_the_wording_of_an_answerable_one() -> None:
    seen: dict[str, set[bool]] = {}
    for kind in ImageType:
        for seed in range(6):
            for question, _ in questions_about(kind, "en", seed):
                seen.setdefault(question.template, set()).add(question.task is Task.NOT_APPLICABLE)
    absent = {name for name, tasks in seen.items() if True in tasks}
    assert absent
    assert all(seen[name] == {True, False} for name in absent)


def test_a_question_about_two_lines_subtracts_them_as_printed() -> None:
    for question, _ in questions_about(ImageType.INDICATOR, "en", 1):
        if question.template == "line_difference":
            assert Decimal(question.answer) == Decimal(question.answer).quantize(Decimal("0.01"))


def test_no_wording_is_used_twice_and_an_unknown_name_is_refused() -> None:
    assert len({(entry.en, entry.cn) for entry in TEMPLATES.values()}) == len(TEMPLATES)
    with pytest.raises(InputError, match="did you mean 'cell_value'"):
        template("cell_valu")


NAMES = st.sampled_from(
    ["MA5", "RSI12", "Revenue", "2023Q4", "Alder Pharma", "营业收入", "每股收益", "远山药业", "净利润率", "2024"]
)


@given(entry=st.sampled_from(list(TEMPLATES.values())), language=st.sampled_from(["en", "cn"]), data=st.data())
def test_a_filled_wording_gives_its_slots_back(entry: Template, language: Language, data: st.DataObject) -> None:
    wording = entry.en if language == "en" else entry.cn
    slots = {name: data.draw(NAMES, name) for name in re.findall(r"\{(\w+)\}", wording)}
    assert entry.match(entry.ask(language, **slots), language) == slots
