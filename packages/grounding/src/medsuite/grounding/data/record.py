"""What every reader returns: images with labelled boxes in original pixels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from medsuite.core.errors import InputError
from medsuite.grounding.boxes import Boxes

BadBox = Literal["raise", "drop"]
"""What a reader does with a box without area or outside its image."""


@dataclass(frozen=True, eq=False)
class Record:
    """The boxes of one image.

    Attributes:
        image_id: Name of the image in its data set.
        labels: Finding of each box.
        boxes: xyxy in pixels of the original image.
        readers: Who drew each box; empty strings for a consensus.
        support: Number of readers behind each box.
    """

    image_id: str
    labels: tuple[str, ...]
    boxes: Boxes
    readers: tuple[str, ...]
    support: tuple[int, ...]

    def of(self, label: str) -> Boxes:
        """Return the boxes of one finding."""
        return self.boxes[[position for position, name in enumerate(self.labels) if name == label]]


@dataclass(frozen=True)
class Annotations:
    """The records of a data set, in the order of its file.

    Attributes:
        records: One per image, images without boxes included.
        dropped: What was left out and why, one line each; empty under the policy `raise`.
    """

    records: tuple[Record, ...]
    dropped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    @property
    def labels(self) -> tuple[str, ...]:
        """All findings that have a box, in alphabetical order."""
        return tuple(sorted({label for record in self.records for label in record.labels}))

    @property
    def box_count(self) -> int:
        """Number of boxes in all records."""
        return sum(len(record.labels) for record in self.records)


def make_record(image_id: str, rows: Sequence[tuple[str, Sequence[float], str]]) -> Record:
    """Build a record from checked rows of (label, box, reader), each with the support of one reader."""
    boxes = np.array([box for _, box, _ in rows], dtype=float).reshape(-1, 4)
    return Record(image_id, tuple(row[0] for row in rows), boxes, tuple(row[2] for row in rows), (1,) * len(rows))


def require_records(count: int, origin: str) -> None:
    """Refuse a file without a single image.

    Raises:
        InputError: `count` is zero.
    """
    if count == 0:
        raise InputError(f"{origin} lists no image", expected="at least one")
