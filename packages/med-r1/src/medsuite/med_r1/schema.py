"""Closed questions about images, as frozen data: what every other module takes and returns."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from medsuite.core.errors import InputError, unknown_name

if TYPE_CHECKING:
    from PIL.Image import Image

LETTERS = "ABCDEFGHIJ"
"""The letters that options can have; the released reward knows no others."""


@dataclass(frozen=True)
class Question:
    """One image and a closed question about it.

    Attributes:
        id: Unique in its set.
        image: Key of its picture in the set: a path as the file writes it, or a number.
        question: The question without its options.
        options: Two to ten options.
        answer: Index of the right option.
        subset: Domain, such as `"MR"`: accuracy is printed for each.
        kind: What is asked for, such as `"zone"`; empty where the source does not say.
    """

    id: str
    image: str
    question: str
    options: tuple[str, ...]
    answer: int
    subset: str
    kind: str = ""

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise InputError(f"question {self.id} has no text")
        if not 2 <= len(self.options) <= len(LETTERS):
            raise InputError(f"question {self.id} has {len(self.options)} options", expected=f"2 to {len(LETTERS)}")
        if not all(isinstance(option, str) and option.strip() for option in self.options):
            raise InputError(f"question {self.id} has an empty option")
        if not 0 <= self.answer < len(self.options):
            raise InputError(f"question {self.id}: answer {self.answer}", expected=f"0 to {len(self.options) - 1}")

    @property
    def letter(self) -> str:
        """Letter of the right option."""
        return LETTERS[self.answer]

    @property
    def answer_text(self) -> str:
        """The right option."""
        return self.options[self.answer]

    @property
    def is_ambiguous(self) -> bool:
        """Whether another option reads like the right one, but for case, blanks or full stops: two are right then."""
        plain = [" ".join(option.lower().split()).rstrip(". ") for option in self.options]
        return plain.count(plain[self.answer]) > 1

    def rotated(self, places: int) -> "Question":
        """Return the question with its options moved cyclically, so that option i stands at i + places."""
        count = len(self.options)
        options = tuple(self.options[(place - places) % count] for place in range(count))
        return replace(self, options=options, answer=(self.answer + places) % count)


@dataclass(frozen=True)
class QuestionSet:
    """Questions and their pictures.

    Attributes:
        questions: The questions, with unique ids.
        pictures: From a question's `image` to an RGB picture; reading it may open a file.
    """

    questions: tuple[Question, ...]
    pictures: "Mapping[str, Image]" = field(repr=False)

    def __post_init__(self) -> None:
        if not self.questions:
            raise InputError("a set without questions", expected="at least one")
        counts = Counter(question.id for question in self.questions)
        twice = [name for name, count in counts.items() if count > 1]
        if twice:
            raise InputError(f"question id {twice[0]!r} occurs {counts[twice[0]]} times", expected="unique ids")

    def __len__(self) -> int:
        return len(self.questions)

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions)

    @property
    def subsets(self) -> tuple[str, ...]:
        """The subsets in the order in which they occur."""
        return tuple(dict.fromkeys(question.subset for question in self.questions))

    def subset(self, name: str) -> "QuestionSet":
        """Return the questions of one subset.

        Raises:
            InputError: There is no such subset.
        """
        kept = tuple(question for question in self.questions if question.subset == name)
        if not kept:
            raise unknown_name("subset", name, self.subsets)
        return replace(self, questions=kept)

    def picture(self, question: Question) -> "Image":
        """Return the picture of a question."""
        return self.pictures[question.image]

    @property
    def digest(self) -> str:
        """A hash of all questions with their options, answers and names of pictures; equal for equal sets alone."""
        return digest([asdict(question) for question in self.questions])

    @property
    def chance(self) -> float:
        """Accuracy of a uniform guess: the mean of 1 / number of options."""
        return sum(1 / len(question.options) for question in self.questions) / len(self.questions)


def digest(values: object) -> str:
    """Hash JSON values to 16 hexadecimal digits."""
    return hashlib.blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=8).hexdigest()
