"""What can be evaluated: every task by name, and the questions that it asks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from medsuite.core.errors import InputError
from medsuite.meda_kv.evaluate.needle import passkey, passkeys
from medsuite.meda_kv.evaluate.numbered import numbered_pictures
from medsuite.meda_kv.evaluate.perplexity import continuation
from medsuite.meda_kv.evaluate.prompting import Opened, to_question
from medsuite.meda_kv.evaluate.questions import Question
from medsuite.meda_kv.evaluate.released import RELEASED, Sample, Source
from medsuite.meda_kv.evaluate.visual import GALLERIES, visual_question

TEXT_MODEL, VISUAL_MODEL = "smollm2-135m", "constructed"


@dataclass(frozen=True)
class Scope:
    """How much of a task is asked.

    Attributes:
        questions: Number of questions; 0 for all of a released benchmark.
        context: Tokens of each text, for texts that are made here.
        needles: Needles of a text that hides several.
        seed: Seed of texts, keys, pictures and depths.
        data: Folder or file of a released benchmark.
        datasets: Which of its data sets; empty for all.
        longest: Most tokens of a prompt; longer texts lose their middle. None for no limit but the model's.
        frames: Frames shown of a video, pictures of `numbered-pictures`.
    """

    questions: int = 20
    context: int = 500
    needles: int = 3
    seed: int = 0
    data: Path | None = None
    datasets: tuple[str, ...] = field(default_factory=tuple)
    longest: int | None = None
    frames: int = 8

    def __post_init__(self) -> None:
        if self.questions < 0 or self.frames < 1:
            raise InputError(
                f"{self.questions} questions, {self.frames} frames", expected="0 questions or more, a frame at least"
            )

    def rng(self, number: int) -> np.random.Generator:
        """Random numbers of one question, whatever was asked before it."""
        return np.random.default_rng([self.seed, number])


Asked = tuple[str, Callable[[], Question]]
"""A question's name, and what makes it when its turn has come."""


@dataclass(frozen=True)
class Task:
    """A task.

    Attributes:
        name: Its name.
        summary: One line on what is asked.
        measure: What the value of an answer means.
        model: The model that is asked unless another is named; empty where one must be named.
        questions: Yields the questions; released files are streamed.
    """

    name: str
    summary: str
    measure: str
    model: str
    questions: Callable[[Opened, Scope], Iterator[Asked]]


def _made(make: Callable[[Opened, Scope, int, str], Question], opened: Opened, scope: Scope) -> Iterator[Asked]:
    """Questions that are made here, each from its own seed."""
    for number in range(scope.questions):
        unit = f"question {number:03d}"
        yield unit, partial(make, opened, scope, number, unit)


def _passkey(opened: Opened, scope: Scope, number: int, unit: str) -> Question:
    return passkey(opened.tokenizer, scope.context, scope.rng(number), unit)


def _passkeys(opened: Opened, scope: Scope, number: int, unit: str) -> Question:
    return passkeys(opened.tokenizer, scope.context, scope.rng(number), scope.needles, unit)


def _continuation(opened: Opened, scope: Scope, number: int, unit: str) -> Question:
    return continuation(opened.tokenizer, scope.context, scope.rng(number), unit)


def _gallery(name: str, opened: Opened, scope: Scope, number: int, unit: str) -> Question:
    if opened.name != VISUAL_MODEL and "key0" not in opened.tokenizer.get_vocab():
        raise InputError(
            f"{name} reads pictures that only the hand-set model reads",
            expected="the model 'constructed'",
            fix="take the task numbered-pictures for your own model",
        )
    question, _ = visual_question(opened, GALLERIES[name], scope.rng(number), unit)
    return question


def _numbered(opened: Opened, scope: Scope, number: int, unit: str) -> Question:
    return to_question(opened, numbered_pictures(scope.rng(number), scope.frames, unit), scope.longest)


def _released(name: str, opened: Opened, scope: Scope) -> Iterator[Asked]:
    """Questions of a released benchmark; a name that comes twice gets a number."""
    if scope.data is None:
        raise InputError(f"{name} is read from its released files", expected="--data with their folder")
    seen: dict[str, int] = {}
    samples: Iterator[Sample] = RELEASED[name](Source(scope.data, scope.datasets, scope.frames))
    for number, sample in enumerate(samples):
        if scope.questions and number >= scope.questions:
            return
        seen[sample.unit] = seen.get(sample.unit, 0) + 1
        unit = sample.unit if seen[sample.unit] == 1 else f"{sample.unit} ({seen[sample.unit]})"
        yield unit, partial(to_question, opened, sample, scope.longest)


_ALL_RIGHT = "share of questions answered right"
_GALLERY_SUMMARIES = {
    "visual-needle": "a key asked for among the patches of 4 pictures",
    "visual-needles": "three keys asked for, all of which must be found",
    "many-images": "a key among 24 pictures",
    "video": "a key among 32 frames with a word before each",
    "census": "three keys among 24 pictures, and the value that most patches have",
}
TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task("passkey", "a number hidden in a text", _ALL_RIGHT, TEXT_MODEL, partial(_made, _passkey)),
        Task(
            "passkeys", "several numbers, all of which must be right", _ALL_RIGHT, TEXT_MODEL, partial(_made, _passkeys)
        ),
        Task(
            "perplexity",
            "the next 64 tokens of a text; no question, one protocol",
            "share of the next tokens predicted",
            TEXT_MODEL,
            partial(_made, _continuation),
        ),
        *(
            Task(name, summary, _ALL_RIGHT, VISUAL_MODEL, partial(_made, partial(_gallery, name)))
            for name, summary in _GALLERY_SUMMARIES.items()
        ),
        Task("numbered-pictures", "the number on one of several pictures", _ALL_RIGHT, "", partial(_made, _numbered)),
        Task(
            "longbench", "LongBench's files", "mean grade of its measures", TEXT_MODEL, partial(_released, "longbench")
        ),
        Task("ruler", "RULER's files", "mean share of references found", TEXT_MODEL, partial(_released, "ruler")),
        Task("milebench", "MileBench's folders", "mean grade of its measures", "", partial(_released, "milebench")),
        Task("videomme", "Video-MME's table and videos", _ALL_RIGHT, "", partial(_released, "videomme")),
    )
}
"""Every task by its name."""
