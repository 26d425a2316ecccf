"""Scoring completions: accuracy under each strictness, compliance, and what was malformed."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from medsuite.core.errors import InputError
from medsuite.core.stats import wilson_interval
from medsuite.med_r1.extract import STRICTNESSES, parse
from medsuite.med_r1.schema import LETTERS, Question, QuestionSet


@dataclass(frozen=True)
class Answers:
    """One completion of each question of a set.

    Attributes:
        questions: What was asked.
        texts: The completions, in the same order.
    """

    questions: QuestionSet
    texts: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.questions):
            raise InputError(f"{len(self.texts)} completions of {len(self.questions)} questions", expected="one each")

    def correct(self, strictness: str = "strict") -> Bool[np.ndarray, " question"]:
        """Tell which questions are answered with the right letter."""
        pairs = zip(self.texts, self.questions, strict=True)
        return np.array([parse(text, strictness).letter == question.letter for text, question in pairs])

    def accuracy(self, strictness: str = "strict") -> float:
        """Return the share of right letters; malformed completions count as wrong."""
        return float(self.correct(strictness).mean())

    def compliance(self) -> float:
        """Return the share of completions in the released format."""
        return float(np.mean([parse(text).compliant for text in self.texts]))

    def outcomes(self) -> dict[str, int]:
        """Count completions by outcome, `answered` or `malformed:` with the reason, the most frequent first."""
        return dict(Counter(parse(text).outcome for text in self.texts).most_common())

    def chosen(self) -> list[str | None]:
        """Return the text of the option that each completion chooses, None where it chooses none."""
        return [
            _option(question, parse(text).letter) for question, text in zip(self.questions, self.texts, strict=True)
        ]

    def summary(self) -> dict[str, float]:
        """Return chance, the accuracies under the three strictnesses, and compliance."""
        accuracies = {name: self.accuracy(name) for name in STRICTNESSES}
        return {"chance": self.questions.chance, **accuracies, "compliance": self.compliance()}

    def report(self) -> str:
        """Return accuracy by subset with its interval, the other strictnesses, and the outcomes, as text."""
        lines = [
            f"{'subset':<12} {'n':>5} {'chance':>7} {'strict, 95 % Wilson':>22} {'exact':>6} {'tolerant':>9} format"
        ]
        for name in self.questions.subsets:
            part = self.subset(name)
            right = part.correct()
            low, high = wilson_interval(int(right.sum()), len(right)).ends[1:]
            lines.append(
                f"{name:<12} {len(right):>5} {part.questions.chance:>7.3f} "
                f"{right.mean():>7.3f} [{low:.3f}, {high:.3f}] {part.accuracy('exact'):>6.3f} "
                f"{part.accuracy('tolerant'):>9.3f} {part.compliance():>6.3f}"
            )
        return "\n".join([*lines, *(f"{number:5d}  {outcome}" for outcome, number in self.outcomes().items())])

    def subset(self, name: str) -> "Answers":
        """Return the part of one subset."""
        pairs = zip(self.questions, self.texts, strict=True)
        return Answers(self.questions.subset(name), tuple(text for question, text in pairs if question.subset == name))


def _option(question: Question, letter: str | None) -> str | None:
    place = LETTERS.find(letter) if letter else -1
    return question.options[place] if 0 <= place < len(question.options) else None


def agreement(first: Answers, second: Answers) -> float:
    """Return the share of questions for which two runs choose the same option by its text.

    Malformed answers agree with nothing.
    """
    pairs = zip(first.chosen(), second.chosen(), strict=True)
    return float(np.mean([one is not None and one == other for one, other in pairs]))
