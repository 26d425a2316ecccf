"""Video-MME (arXiv 2405.21075): a Parquet table or a JSON list of questions, and a folder of videos.

Table: `videomme/test-*.parquet` with `video_id, duration, domain, sub_category, url, videoID, question_id, task_type,
question, options, answer`. JSON: a list of videos with `questions`, whose options are called `options` or `choices`.
The videos lie in `video` or `data` as `ID.mp4`, or as folders of frames named `ID`; frames are shown as pictures.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError
from medsuite.meda_kv.evaluate import measures
from medsuite.meda_kv.evaluate.released.files import existing, field, read_rows
from medsuite.meda_kv.evaluate.released.sample import PICTURE, Sample, Source
from medsuite.meda_kv.evaluate.released.video import find_video, sample_frames

INSTRUCTION = "Choose the best answer to the question about the video. Reply with its letter alone: A, B, C or D."
DURATIONS = ("short", "medium", "long")


def videomme(source: Source) -> Iterator[Sample]:
    """Yield the questions, all or those about videos of the wanted durations.

    Args:
        source: The release's root, or its table; `datasets` are durations.

    Raises:
        InputError: There is no table, it is damaged, or a video is not there.
    """
    wrong = [name for name in source.datasets if name not in DURATIONS]
    if wrong:
        raise InputError(f"duration {wrong[0]!r}", expected=f"one of {', '.join(DURATIONS)}")
    table, root = _table(source.path)
    for row in read_rows(table):
        duration = str(field(row, ("duration", "duration_category"), str(table)))
        if source.datasets and duration not in source.datasets:
            continue
        for question in row.get("questions") or [row]:
            yield _sample({**row, **question}, duration, root, source.frames)


def _table(path: Path) -> tuple[Path, Path]:
    """The table and the folder below which the videos lie."""
    existing(path, "the folder of Video-MME, or its table")
    if path.is_file():
        return path, path.parent.parent if path.parent.name == "videomme" else path.parent
    found = sorted([*path.glob("videomme/*.parquet"), *path.glob("*.parquet"), *path.glob("*.json")])
    if not found:
        raise InputError(f"{path} holds no table", expected="videomme/test-00000-of-00001.parquet or a JSON list")
    return found[0], path


def _sample(row: Mapping[str, Any], duration: str, root: Path, frames: int) -> Sample:
    unit = f"{duration} {field(row, 'question_id', 'a question')}"
    options = list(map(str, field(row, ("options", "choices"), unit)))
    lines = [INSTRUCTION, str(field(row, "question", unit)), *options, "The best answer is:"]
    grade = measures.against(measures.option_letter, [str(field(row, "answer", unit))])
    video = partial(_frames, root, _names(row, unit), frames)
    return Sample(unit, PICTURE * frames, "\n" + "\n".join(lines), grade, 8, video)


def _names(row: Mapping[str, Any], unit: str) -> tuple[str, ...]:
    """Names that the video's file may have."""
    _, _, code = str(row.get("url") or "").partition("v=")
    names = (str(row.get("videoID") or ""), code, str(field(row, "video_id", unit)))
    return tuple(name for name in names if name)


def _frames(root: Path, names: tuple[str, ...], count: int) -> tuple[Any, ...]:
    return sample_frames(find_video(root, names), count)
