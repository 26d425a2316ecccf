"""The layout of ds003020 (LeBel et al. 2023; Tang et al. 2023), read lazily: nothing is loaded before it is asked for.

    DIR/derivative/TextGrids/STORY.TextGrid
    DIR/derivative/respdict.json                              raw TRs of every story
    DIR/derivative/preprocessed_data/SUBJECT/STORY.hf5        dataset `data`: TR x voxel

A response has 20 rows fewer than the story has TRs, and its first row is 10 s after the onset of the sound.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from medsuite.bpgpt.data.textgrid import Word, read_words
from medsuite.core.errors import InputError, unknown_name

TR = 2.0
"""Repetition time in seconds."""
TRIMMED = 20
"""How many rows fewer a response has than the story has TRs."""
FIRST = 10.0
"""Time of the first row in seconds from the onset of the sound."""


@dataclass(frozen=True)
class Run:
    """One listener's response to one story, on disk.

    Attributes:
        subject: Listener, such as `"UTS03"`.
        story: Story, such as `"wheretheressmoke"`.
        path: The `.hf5` file.
        trs: Raw TRs of the story, from `respdict.json`; None where the story is not listed.
    """

    subject: str
    story: str
    path: Path
    trs: int | None

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and voxels, read from the header alone.

        Raises:
            InputError: The file is damaged, has no dataset `data` of numbers, or other rows than the story's TRs ask
                for.
        """
        with _opened(self.path) as file:
            rows, voxels = _dataset(file, "data", self.path, dimensions=2).shape
        if self.trs is not None and rows != self.trs - TRIMMED:
            raise InputError(
                f"{self.path} has {rows} rows",
                expected=f"{self.trs - TRIMMED}, the {self.trs} TRs of {self.story} without {TRIMMED}",
                fix="the file is another story's or was not trimmed",
            )
        return int(rows), int(voxels)

    @property
    def times(self) -> Float[np.ndarray, "row"]:
        """Time of each row in seconds from the onset of the sound."""
        return FIRST + TR * np.arange(self.shape[0])

    def bold(self, voxels: Bool[np.ndarray, "voxel"] | None = None) -> Float[np.ndarray, "row kept"]:
        """Read the response in float32.

        Rows are read in blocks and columns taken from them, so that no more than 64 rows of all voxels are in memory.

        Args:
            voxels: Which voxels to keep; None keeps all.

        Raises:
            InputError: As in `shape`, or the mask has another number of voxels or is empty.
        """
        rows, width = self.shape
        keep = self._mask(voxels, width)
        kept = np.empty((rows, int(keep.sum())), dtype=np.float32)
        with _opened(self.path) as file:
            data = _dataset(file, "data", self.path, dimensions=2)
            for start in range(0, rows, 64):
                kept[start : start + 64] = _read(data, slice(start, start + 64), self.path)[:, keep]
        return kept

    def repeats(self, voxels: Bool[np.ndarray, "voxel"] | None = None) -> Float[np.ndarray, "repeat row kept"]:
        """Read the single repetitions of a test story, whose `bold` is their average.

        Raises:
            InputError: The file holds no `individual_repeats`, they do not have the rows and voxels of `data`, or the
                mask does not fit.
        """
        rows, width = self.shape
        keep = self._mask(voxels, width)
        with _opened(self.path) as file:
            data = _dataset(file, "individual_repeats", self.path, dimensions=3)
            if data.shape[0] < 1 or data.shape[1:] != (rows, width):
                given = f"individual_repeats of {self.path} have the shape {data.shape}"
                raise InputError(given, expected=f"repeats of the {rows} rows and {width} voxels of data")
            return np.stack(
                [_read(data, repeat, self.path)[:, keep].astype(np.float32) for repeat in range(data.shape[0])]
            )

    def _mask(self, voxels: Bool[np.ndarray, "voxel"] | None, width: int) -> Bool[np.ndarray, "voxel"]:
        keep = np.ones(width, dtype=bool) if voxels is None else voxels
        if keep.shape != (width,) or not keep.any():
            given = f"a mask of {keep.size} voxels, {int(keep.sum())} of them kept, for {self.path}"
            raise InputError(given, expected=f"{width} voxels, at least one kept", fix="take the subject's own mask")
        return keep


@dataclass(frozen=True)
class LebelDataset:
    """A folder of ds003020, or part of one.

    Attributes:
        root: The folder that holds `derivative/`.
    """

    root: Path

    def __post_init__(self) -> None:
        for folder in (self.textgrids, self.responses):
            if not folder.is_dir():
                raise InputError(f"{self.root} has no folder {folder.relative_to(self.root)}", expected="ds003020")

    @property
    def textgrids(self) -> Path:
        """Folder of the transcripts."""
        return self.root / "derivative" / "TextGrids"

    @property
    def responses(self) -> Path:
        """Folder of the subjects."""
        return self.root / "derivative" / "preprocessed_data"

    @cached_property
    def trs(self) -> Mapping[str, int]:
        """Raw TRs of every story.

        Raises:
            InputError: `respdict.json` is missing or is no table of whole numbers.
        """
        path = self.root / "derivative" / "respdict.json"
        try:
            table = json.loads(path.read_text(encoding="utf-8-sig"))
            return {str(story): int(count) for story, count in table.items()}
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}", expected="the TRs of every story") from error
        except (ValueError, AttributeError, TypeError, OverflowError) as error:
            raise InputError(f"{path} is damaged", expected='a table such as {"alternateithicatom": 363}') from error

    @property
    def subjects(self) -> list[str]:
        """Listeners with a folder."""
        return sorted(folder.name for folder in self.responses.iterdir() if folder.is_dir())

    def stories(self, subject: str) -> list[str]:
        """Stories of a listener that have both a response and a transcript.

        Raises:
            InputError: There is no such listener.
        """
        return sorted(self.heard(subject) & self.transcribed)

    def heard(self, subject: str) -> set[str]:
        """Stories of a listener that have a response, with or without a transcript.

        Raises:
            InputError: There is no such listener.
        """
        if subject not in self.subjects:
            raise unknown_name("subject", subject, self.subjects)
        return _stems(self.responses / subject, "hf5")

    @property
    def transcribed(self) -> set[str]:
        """Stories that have a transcript."""
        return _stems(self.textgrids, "TextGrid")

    def run(self, subject: str, story: str) -> Run:
        """Name one response; nothing is read yet.

        Raises:
            InputError: There is no such listener or story.
        """
        if story not in (known := self.stories(subject)):
            raise unknown_name("story", story, known)
        return Run(subject, story, self.responses / subject / f"{story}.hf5", self.trs.get(story))

    def words(self, story: str) -> list[Word]:
        """Read a story's words.

        Raises:
            InputError: See `medsuite.bpgpt.data.textgrid.read_words`.
        """
        return read_words(self.textgrids / f"{story}.TextGrid")


def _opened(path: Path) -> Any:
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise InputError(
            f"{path} cannot be read as HDF5", fix="copy the file again: it is cut off or no .hf5"
        ) from error


def _dataset(file: Any, name: str, path: Path, dimensions: int) -> Any:
    if name not in file:
        raise InputError(f"{path} holds {', '.join(file) or 'nothing'}", expected=f"a dataset called {name}")
    data = file[name]
    shape: Any = getattr(data, "shape", None)
    dtype: Any = getattr(data, "dtype", None)
    if shape is None or len(shape) != dimensions or 0 in shape or dtype.kind not in "fiu":
        given = (
            f"{name} of {path} is a group" if shape is None else f"{name} of {path} has the shape {shape} of {dtype}"
        )
        axes = "repeat x TR x voxel" if dimensions == 3 else "TR x voxel"
        raise InputError(given, expected=f"numbers, {axes}")
    return data


def _read(data: Any, rows: int | slice, path: Path) -> np.ndarray:
    try:
        return data[rows]
    except OSError as error:
        fix = "copy the file again"
        raise InputError(f"{path} is damaged: its {data.name.strip('/')} cannot be read", fix=fix) from error


def _stems(folder: Path, ending: str) -> set[str]:
    """Names of files without their ending; hidden ones, such as macOS leaves beside copies, are none."""
    return {path.stem for path in folder.glob(f"*.{ending}") if not path.name.startswith(".")}
