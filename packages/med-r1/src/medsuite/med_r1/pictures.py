"""Pictures of questions: from files, in memory, blank, or somebody else's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from medsuite.core.errors import InputError
from medsuite.med_r1.schema import QuestionSet

if TYPE_CHECKING:
    from PIL.Image import Image

THINNEST = 200
"""Largest ratio of a picture's sides that processors take."""


class FolderPictures(Mapping[str, "Image"]):
    """Pictures in files below a folder, read when they are asked for.

    A name is a path relative to the folder, taken letter by letter: `%`, blanks and brackets stand for themselves.

    Args:
        folder: Where the paths start.
        names: The paths.

    Raises:
        InputError: The folder or a file is not there.
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder", expected="the folder that the image paths start from")
        self.folder = folder
        self._names = dict.fromkeys(names)
        absent = [name for name in self._names if not (folder / name).is_file()]
        if absent:
            raise InputError(
                f"{len(absent)} of {len(self._names)} pictures are not in {folder}, such as {absent[0]!r}",
                expected="the folder that the image paths start from",
            )

    def __getitem__(self, name: str) -> "Image":
        if name not in self._names:
            raise KeyError(name)
        return read_picture(self.folder / name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def read_picture(path: Path) -> "Image":
    """Read an image file as an RGB picture, windowed as its file says.

    Args:
        path: PNG, JPEG, TIFF or DICOM.

    Raises:
        InputError: The file is no image, is cut, or is thinner than processors take.
    """
    from PIL import Image

    from medsuite.core.images import display, read

    pixels = np.round(255 * display(read(path))).astype(np.uint8)
    height, width = pixels.shape[:2]
    if max(height, width) > THINNEST * min(height, width):
        raise InputError(f"{path} has {width} x {height} pixels", expected=f"sides within a factor of {THINNEST}")
    return Image.fromarray(pixels).convert("RGB")


class GreyPictures(Mapping[str, "Image"]):
    """Grey pictures in memory, given out as RGB.

    Args:
        names: Their keys.
        grey: Grey values, one picture a key.
    """

    def __init__(self, names: Sequence[str], grey: UInt8[np.ndarray, "picture height width"]) -> None:
        self._place = {name: place for place, name in enumerate(names)}
        self.grey = grey

    def __getitem__(self, name: str) -> "Image":
        from PIL import Image

        return Image.fromarray(self.grey[self._place[name]]).convert("RGB")

    def __iter__(self) -> Iterator[str]:
        return iter(self._place)

    def __len__(self) -> int:
        return len(self._place)


class NoPictures(Mapping[str, "Image"]):
    """The pictures of a set that was read for its text alone."""

    def __getitem__(self, name: str) -> "Image":
        raise InputError(f"picture {name!r} is asked for, and the set was read without pictures", fix="give the folder")

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _Blank(Mapping[str, "Image"]):
    """The same pictures in one shade of grey each, their own mean."""

    def __init__(self, pictures: "Mapping[str, Image]") -> None:
        self._pictures = pictures

    def __getitem__(self, name: str) -> "Image":
        from PIL import Image

        picture = self._pictures[name]
        shade = int(np.asarray(picture.convert("L")).mean().round())
        return Image.new("RGB", picture.size, (shade,) * 3)

    def __iter__(self) -> Iterator[str]:
        return iter(self._pictures)

    def __len__(self) -> int:
        return len(self._pictures)


def blank(questions: QuestionSet) -> QuestionSet:
    """Return the questions with every picture replaced by its mean grey: what is answered without seeing."""
    return replace(questions, pictures=_Blank(questions.pictures))


def swapped(questions: QuestionSet, rng: np.random.Generator) -> QuestionSet:
    """Return the questions, each with the picture of another question of its subset.

    The pictures of a subset move along one random cycle, so that none stays in place.

    Args:
        questions: The questions.
        rng: Source of the cycle.

    Raises:
        InputError: A subset has one picture only.
    """
    partner: dict[str, str] = {}
    for subset in questions.subsets:
        names = list(dict.fromkeys(question.image for question in questions.subset(subset)))
        if len(names) < 2:
            raise InputError(f"subset {subset} has one picture", expected="at least 2 to swap")
        order = [names[place] for place in rng.permutation(len(names))]
        partner |= dict(zip(order, [*order[1:], order[0]], strict=True))
    moved = tuple(replace(question, image=partner[question.image]) for question in questions)
    return replace(questions, questions=moved)
