"""Frames of a video, evenly spaced, from a file or from a folder of pictures."""

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from medsuite.core.errors import InputError, require
from medsuite.meda_kv.evaluate.released.files import open_picture

ENDINGS = (".mp4", ".mkv", ".webm", ".avi", ".mov")
PICTURES = (".jpg", ".jpeg", ".png")


def find_video(root: Path, names: tuple[str, ...]) -> Path:
    """Find a video below `video`, `data`, `frames` or the root itself.

    Args:
        root: The benchmark's folder.
        names: Names without ending, the likeliest first.

    Raises:
        InputError: It is not there.
    """
    folders = [root / part for part in ("video", "data", "frames", "")]
    for folder in folders:
        for name in names:
            for place in (folder / name, *(folder / f"{name}{ending}" for ending in ENDINGS)):
                if place.is_dir() or place.is_file():
                    return place
    raise InputError(
        f"there is no video {names[0]} below {root}", expected=f"video/{names[0]}.mp4 or a folder of frames"
    )


def spread(length: int, count: int) -> Int[np.ndarray, " count"]:
    """Middles of `count` equal parts of `length` frames; with fewer frames than parts some come twice."""
    return ((np.arange(count) + 0.5) * length / count).astype(np.int64)


def sample_frames(video: Path, count: int) -> tuple[Any, ...]:
    """Take evenly spaced frames.

    Args:
        video: A video file, or a folder of pictures whose names are in order.
        count: How many.

    Raises:
        InputError: The file cannot be read, or it holds no frames.
        MissingDependencyError: A video file is given and PyAV is not installed.
    """
    return _from_folder(video, count) if video.is_dir() else _from_file(video, count)


def _from_folder(folder: Path, count: int) -> tuple[Any, ...]:
    frames = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    if not frames:
        raise InputError(f"{folder} holds no frames", expected=f"pictures that end in {', '.join(PICTURES)}")
    return tuple(open_picture(frames[place]) for place in spread(len(frames), count))


def _from_file(file: Path, count: int) -> tuple[Any, ...]:
    av = require("av", extra="medsuite-meda-kv[video]")
    try:
        found = _decode(av, file, count)
    except (av.FFmpegError, IndexError) as error:
        raise InputError(f"{file} is not a video that can be read ({error})", fix="download it again") from error
    if not found:
        raise InputError(f"{file} holds no frames", expected="a video", fix="download it again")
    return found


def _decode(av: Any, file: Path, count: int) -> tuple[Any, ...]:
    """Decode once; only the wanted frames are turned into pictures, the last one there is for those beyond the end."""
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        length = stream.frames or sum(1 for _ in container.decode(stream))
        container.seek(0)
        wanted = spread(length, count).tolist()
        frames = enumerate(islice(container.decode(stream), wanted[-1] + 1))
        found = {place: frame.to_image() for place, frame in frames if place in wanted}
    return tuple(found[min(place, max(found))] for place in wanted) if found else ()
