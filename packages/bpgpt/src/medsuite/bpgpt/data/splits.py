"""Splits that cannot leak: by story for every listener, and with a purge where one story has to serve both sides.

BOLD lags and smears what is heard by 12 to 20 s, so windows that share no TR still share words' responses; and the same
story heard by another listener tells a decoder the text.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from medsuite.core.errors import InputError, unknown_name

PURGE = 8
"""TRs that have to lie between windows of different sides: 16 s, the length of the haemodynamic response."""


class LeakageError(InputError):
    """Training data tell something about the test data."""


@dataclass(frozen=True)
class Span:
    """A stretch of one listener's response to one story.

    Attributes:
        subject: Listener.
        story: Story.
        start: First row, counted in TRs.
        stop: One after the last row, the delay of the haemodynamic response included.
    """

    subject: str
    story: str
    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop:
            raise InputError(f"a span from row {self.start} to row {self.stop}", expected="0 <= start < stop")

    def near(self, other: "Span", trs: int) -> bool:
        """Tell whether fewer than `trs` TRs of the same story lie between two spans, whoever listened."""
        return self.story == other.story and self.start < other.stop + trs and other.start < self.stop + trs


@dataclass(frozen=True)
class StorySplit:
    """Stories for training, validation and test. No story is on two sides, for any listener.

    Attributes:
        train: Stories that everything is fitted on: scalers, voxels, penalties, prompts, language models.
        validation: Stories for choosing among fitted models.
        test: Stories that are looked at once.

    Raises:
        LeakageError: A story is on two sides.
        InputError: A side that needs stories has none.
    """

    train: frozenset[str]
    validation: frozenset[str]
    test: frozenset[str]

    def __post_init__(self) -> None:
        sides = {"train": self.train, "validation": self.validation, "test": self.test}
        names = list(sides)
        for index, first in enumerate(names):
            for second in names[index + 1 :]:
                if shared := sorted(sides[first] & sides[second]):
                    raise LeakageError(f"{shared[0]} is in {first} and in {second}", fix="put it on one side")
        if not self.train or not self.test:
            raise InputError(
                f"{len(self.train)} training and {len(self.test)} test stories", expected="at least 1 each"
            )

    @classmethod
    def make(
        cls, stories: Iterable[str], *, test: Sequence[str], validation: int, rng: np.random.Generator
    ) -> "StorySplit":
        """Keep the named stories for the test and draw the validation stories from the others.

        Args:
            stories: All stories, in any order: the split does not depend on it.
            test: Stories for the test.
            validation: Number of stories for validation.
            rng: Source of the choice.

        Raises:
            InputError: A test story is not among the stories, or too few are left.
        """
        known = sorted(set(stories))
        for story in test:
            if story not in known:
                raise unknown_name("story", story, known)
        rest = [story for story in known if story not in set(test)]
        if not 0 <= validation < len(rest):
            given = f"{validation} validation stories of {len(rest)} that are not for the test"
            raise InputError(given, expected=f"0 to {len(rest) - 1}")
        chosen = frozenset(str(story) for story in rng.permutation(rest)[:validation])
        return cls(frozenset(rest) - chosen, chosen, frozenset(test))

    def side(self, story: str) -> str:
        """Name the side of a story.

        Raises:
            InputError: The story is on none.
        """
        for name, stories in (("train", self.train), ("validation", self.validation), ("test", self.test)):
            if story in stories:
                return name
        raise unknown_name("story", story, self.train | self.validation | self.test)


def refuse_leakage(train: Sequence[Span], test: Sequence[Span], *, trs: int = PURGE) -> None:
    """Refuse windows for training that share a TR, or the response to a word, with a window for the test.

    O((train + test) log) per story.

    Args:
        train: Spans that are trained on.
        test: Spans that are tested on, of the same or of other listeners.
        trs: TRs that have to lie between.

    Raises:
        LeakageError: Two spans are nearer.
    """
    near = _near(train, test, trs)
    if near.any():
        span = train[int(near.argmax())]
        other = next(candidate for candidate in test if span.near(candidate, trs))
        raise LeakageError(
            f"{int(near.sum())} of {len(train)} training windows are nearer than {trs} TRs to a test window: "
            f"{span.subject} {span.story} rows {span.start}-{span.stop - 1} to {other.subject} rows "
            f"{other.start}-{other.stop - 1}",
            fix="split by story, or purge() the training windows",
        )


def purge(train: Sequence[Span], test: Sequence[Span], *, trs: int = PURGE) -> list[int]:
    """Return the positions of the training spans that are far enough from every test span; see `refuse_leakage`.

    Args:
        train: Spans that are trained on.
        test: Spans that are tested on.
        trs: TRs that have to lie between.
    """
    return np.flatnonzero(~_near(train, test, trs)).tolist()


def _near(train: Sequence[Span], test: Sequence[Span], trs: int) -> np.ndarray:
    """Tell for each training span whether a test span is near: test rows within reach, counted by a running sum."""
    near = np.zeros(len(train), dtype=bool)
    for story in {span.story for span in test}:
        tested = [span for span in test if span.story == story]
        last = max(span.stop for span in [*tested, *(span for span in train if span.story == story)]) + trs
        covered = np.zeros(last + 1, dtype=int)
        for span in tested:
            covered[max(0, span.start - trs) : span.stop + trs] = 1
        before = np.concatenate([[0], covered.cumsum()])
        for index, span in enumerate(train):
            if span.story == story:
                near[index] = before[span.stop] > before[span.start]
    return near
