"""What a reader is given and what it yields."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PICTURE = "\N{OBJECT REPLACEMENT CHARACTER}"
"""Stands in a sample's texts where a picture is shown."""


@dataclass(frozen=True)
class Source:
    """Where a benchmark lies and which part of it is wanted.

    Attributes:
        path: The folder or file that was given.
        datasets: Names of data sets; empty for all that are there.
        frames: Frames that are taken of a video.
    """

    path: Path
    datasets: tuple[str, ...] = ()
    frames: int = 8


@dataclass(frozen=True)
class Sample:
    """One question of a benchmark, before any tokenizer has seen it.

    Attributes:
        unit: Name: data set and number.
        context: Text up to the question, with `PICTURE` where a picture is shown.
        question: Text from there on.
        grade: Measure of a written answer, 0 to 1.
        most: Tokens that the answer may have.
        pictures: Opens the pictures, in order.
        opening: First words of the answer, which are given.
        turn: Whether the text is a user's turn in a chat; else it is continued as it stands.
    """

    unit: str
    context: str
    question: str
    grade: Callable[[str], float]
    most: int
    pictures: Callable[[], tuple[Any, ...]] = tuple
    opening: str = ""
    turn: bool = True
