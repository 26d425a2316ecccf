"""The experiment: the same questions about the same pictures, on screen and photographed, answered by OCR and rules."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from medsuite.bench.finance.baselines.ocr import OcrReader
from medsuite.bench.finance.baselines.page import Page, page_from_drawing
from medsuite.bench.finance.baselines.rectify import find_corners, rectify
from medsuite.bench.finance.baselines.rules import answer
from medsuite.bench.finance.camera import LEVELS, photograph
from medsuite.bench.finance.draw.chart import Chart
from medsuite.bench.finance.draw.generate import draw_chart
from medsuite.bench.finance.questions.make import make_questions
from medsuite.bench.finance.rules.number import EXACT, Tolerance
from medsuite.bench.finance.rules.score import axis_tolerance, score_rule
from medsuite.bench.finance.schema import ImageType, Language, Question, Task
from medsuite.bench.finance.templates import NOT_APPLICABLE
from medsuite.core.claims import Job, Measurement

SCREEN, TRUE_TEXT, PRIOR, AXIS_GUESS = "screen", "true text", "prior", "axis guess"
CONTROL = "square"
RELEASED_TOLERANCE = Tolerance(relative=0.1)
RELEASED_METRIC = "ENC, 10 % of value"
"""Metric of the released tolerance, kept apart from the tasks."""
PRIOR_PICTURES = 40
_PRIOR_SEED = 90_000
"""First seed of the pictures from which the prior learns; the experiment never draws them."""


@dataclass(frozen=True)
class Sample:
    """One picture of the experiment and its questions."""

    name: str
    chart: Chart
    questions: tuple[Question, ...]
    generator_key: tuple[int, ...]


def draw_sample(seed: int, image_type: ImageType, number: int) -> Sample:
    """Draw picture `number` of a type; adding pictures changes none of the others.

    Languages alternate, and on price charts the header of values is on for two pictures and off for the next two.
    """
    position = list(ImageType).index(image_type)
    key = (seed, position, number)
    rng = np.random.default_rng(key)
    languages: tuple[Language, Language] = ("en", "cn")
    language, header = languages[(seed + number + position) % 2], (seed + number) % 4 < 2
    chart = draw_chart(image_type, language, rng, header)
    name = f"{image_type}-{seed}-{number}"
    return Sample(name, chart, tuple(make_questions(chart, f"{name}.png", rng)), key)


def measure(job: Job, levels: Iterable[str], pictures: int) -> Iterator[Measurement]:
    """Answer the questions about a job's pictures in every condition and yield 0 or 1 for each.

    The control of the camera, square to the screen, is taken of the first picture only: it costs as much as a
    photograph and only has to show that the optics alone cost little.

    Rows carry the task as metric and `picture#question` as unit. The correct value of an estimate is within 2 % of the
    visible axis; whether it is within 10 % of the value, as the released rubric has it, goes to a metric of its own.

    Raises:
        MissingDependencyError: The OCR engine, OpenCV or a Chinese font is not installed.
    """
    levels = tuple(levels)
    for number in range(pictures):
        sample = draw_sample(job.seed, ImageType(job.settings["image_type"]), number)
        for arm, page in _pages(sample, (CONTROL, *levels) if number == 0 else levels, _reader()).items():
            replies = [answer(question, page) for question in sample.questions]
            yield from _rows(arm, job.seed, sample, replies)
        yield from _rows(PRIOR, job.seed, sample, [_prior_reply(question) for question in sample.questions])
        yield from _rows(
            AXIS_GUESS, job.seed, sample, [_guess(question, sample.chart) for question in sample.questions]
        )


def _pages(sample: Sample, levels: tuple[str, ...], reader: OcrReader) -> Mapping[str, Page]:
    """Read the picture on screen and photographed; a photograph also rectified, by found and by true corners."""
    picture = sample.chart.picture
    pages = {TRUE_TEXT: page_from_drawing(sample.chart.texts, picture), SCREEN: reader.read(picture)}
    for level in levels:
        photo = photograph(picture, level, np.random.default_rng((*sample.generator_key, list(LEVELS).index(level))))
        page = reader.read(photo.picture)
        found = find_corners(photo.picture)
        pages[level] = page
        if level == CONTROL:
            continue
        pages[f"{level}, rectified"] = rectify(page, found) if found is not None else page
        pages[f"{level}, true corners"] = rectify(page, photo.corners)
    return pages


@lru_cache(maxsize=1)
def _reader() -> OcrReader:
    """Load the engine once a process."""
    return OcrReader()


def _rows(arm: str, seed: int, sample: Sample, replies: list[str]) -> Iterator[Measurement]:
    for question, reply in zip(sample.questions, replies, strict=True):
        unit = f"{sample.name}#{question.index.rpartition('-')[2]}"
        estimated = question.task is Task.ESTIMATED_CALCULATION
        if arm != AXIS_GUESS or estimated:
            tolerance = axis_tolerance(question) if estimated else EXACT
            yield Measurement(arm, seed, unit, question.task, _right(question, reply, tolerance))
        if estimated:
            yield Measurement(arm, seed, unit, RELEASED_METRIC, _right(question, reply, RELEASED_TOLERANCE))
        if arm not in (AXIS_GUESS, PRIOR) and question.task is not Task.NOT_APPLICABLE:
            abstained = float(reply == NOT_APPLICABLE[question.language])
            yield Measurement(arm, seed, unit, "false abstention", abstained)


def _right(question: Question, reply: str, tolerance: Tolerance) -> float:
    """1 for a wholly right reply: a set of names counts only when it is complete and has no other name."""
    return float(score_rule(question, reply, tolerance).score == 1.0)


def _prior_reply(question: Question) -> str:
    """Give the most frequent answer of the question's template, learned from pictures that are never asked about."""
    return _prior(question.language).get(question.template, NOT_APPLICABLE[question.language])


@lru_cache(maxsize=2)
def _prior(language: Language) -> dict[str, str]:
    answers: dict[str, Counter[str]] = {}
    for number in range(PRIOR_PICTURES):
        image_type = list(ImageType)[number % len(ImageType)]
        rng = np.random.default_rng((_PRIOR_SEED, number))
        chart = draw_chart(image_type, language, rng, header=number % 4 < 2)
        for question in make_questions(chart, "prior", rng):
            answers.setdefault(question.template, Counter())[question.answer.replace("<AND>", ", ")] += 1
    return {template: counter.most_common(1)[0][0] for template, counter in answers.items()}


def _guess(question: Question, chart: Chart) -> str:
    """Guess the middle of the axis that a question asks about, without reading anything but the axis."""
    spans = {name: axis.span for name, axis in chart.axes.items()}
    match = [name for name, span in spans.items() if span == question.axis_span]
    axis = chart.axes[match[0]] if match else None
    return NOT_APPLICABLE[question.language] if axis is None else f"{(axis.lower + axis.upper) / 2:.2f}"
