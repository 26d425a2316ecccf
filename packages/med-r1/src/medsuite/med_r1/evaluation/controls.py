"""The controls that stand beside every accuracy: blank and swapped images, options alone, rotated options."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medsuite.med_r1.auditing import audit
from medsuite.med_r1.evaluation.score import Answers
from medsuite.med_r1.pictures import blank, swapped
from medsuite.med_r1.schema import QuestionSet

Ask = Callable[[QuestionSet], tuple[str, ...]]
"""Asks a model a set of questions, once each."""


@dataclass(frozen=True)
class Evaluation:
    """Answers to a question set and to its controls.

    Attributes:
        answers: With the real images.
        blank: With every image in its mean grey.
        swapped: With another question's image of the same subset.
        rotations: With the options moved by 1, 2, ... places; as many as the most options, less one.
        options_only: What a reader of the options alone gets right in five folds, by subset.
    """

    answers: Answers
    blank: Answers
    swapped: Answers
    rotations: tuple[Answers, ...]
    options_only: Mapping[str, float]

    @property
    def reliance(self) -> float:
        """Visual reliance: accuracy with the real image less accuracy with a swapped one."""
        return self.answers.accuracy() - self.swapped.accuracy()

    @property
    def sensitivity(self) -> float:
        """Share of answers that change when the image is blank; what is malformed with and without it does not."""
        pairs = zip(self.answers.chosen(), self.blank.chosen(), strict=True)
        return float(np.mean([one != other for one, other in pairs]))

    @property
    def circular(self) -> float:
        """Circular accuracy: share of questions that are right under every rotation of the options."""
        right = self.answers.correct()
        for rotation in self.rotations:
            right = right & rotation.correct()
        return float(right.mean())

    @property
    def consistency(self) -> float:
        """Mean over questions of the share of their rotations under which the chosen option stays the same.

        A question of two options has one rotation; those by two and more places, which questions of more options need,
        bring its options back or repeat it, and would agree with themselves.
        """
        chosen, turned = self.answers.chosen(), [rotation.chosen() for rotation in self.rotations]
        shares = []
        for place, question in enumerate(self.answers.questions):
            own = [run[place] for run in turned[: len(question.options) - 1]]
            shares.append(np.mean([chosen[place] is not None and option == chosen[place] for option in own]))
        return float(np.mean(shares))

    def table(self) -> str:
        """Return accuracy and controls of each subset as text."""
        head = f"{'subset':<12} {'n':>5} {'chance':>7} {'accuracy':>9} {'blank':>6} {'swapped':>8} {'options':>8}"
        lines = [head + f" {'circular':>9} {'consistent':>11} {'format':>7}"]
        for name in self.answers.questions.subsets:
            part = self.subset(name)
            lines.append(
                f"{name:<12} {len(part.answers.questions):>5} {part.answers.questions.chance:>7.3f} "
                f"{part.answers.accuracy():>9.3f} {part.blank.accuracy():>6.3f} {part.swapped.accuracy():>8.3f} "
                f"{self.options_only[name]:>8.3f} {part.circular:>9.3f} {part.consistency:>11.3f} "
                f"{part.answers.compliance():>7.3f}"
            )
        return "\n".join(lines)

    def subset(self, name: str) -> "Evaluation":
        """Return the part of one subset."""
        return replace(
            self,
            answers=self.answers.subset(name),
            blank=self.blank.subset(name),
            swapped=self.swapped.subset(name),
            rotations=tuple(rotation.subset(name) for rotation in self.rotations),
        )

    def to_json(self) -> dict[str, Any]:
        """Return all numbers and all completions as JSON values."""
        numbers = {
            "reliance": self.reliance,
            "sensitivity": self.sensitivity,
            "circular": self.circular,
            "consistency": self.consistency,
        }
        runs = {"answers": self.answers, "blank": self.blank, "swapped": self.swapped}
        runs |= {f"rotated {places}": run for places, run in enumerate(self.rotations, start=1)}
        return {
            "numbers": {**self.answers.summary(), **numbers},
            "options_only": dict(self.options_only),
            "ids": [question.id for question in self.answers.questions],
            "completions": {name: list(run.texts) for name, run in runs.items()},
        }


def evaluate(ask: Ask, questions: QuestionSet, rng: np.random.Generator) -> Evaluation:
    """Ask a model a question set and all of its controls.

    Args:
        ask: The model; it is asked 3 + R times, with R rotations.
        questions: The set.
        rng: Source of the swaps and of the audit's folds.

    Raises:
        InputError: A subset has one picture only, or too few questions to audit.
    """

    def asked(variant: QuestionSet) -> Answers:
        return Answers(variant, ask(variant))

    options_only = {each.subset: each.words.estimate for each in audit(questions, rng).subsets}
    others = swapped(questions, rng)  # before anything is asked, since it can be refused
    most = max(len(question.options) for question in questions)
    return Evaluation(
        answers=asked(questions),
        blank=asked(blank(questions)),
        swapped=asked(others),
        rotations=tuple(asked(rotated(questions, places)) for places in range(1, most)),
        options_only=options_only,
    )


def rotated(questions: QuestionSet, places: int) -> QuestionSet:
    """Return the questions with their options moved cyclically."""
    return replace(questions, questions=tuple(question.rotated(places) for question in questions))
