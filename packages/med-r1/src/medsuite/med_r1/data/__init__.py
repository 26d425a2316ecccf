"""Readers of medical question sets in their own formats."""

from collections.abc import Callable
from pathlib import Path

from medsuite.core.errors import InputError, unknown_name
from medsuite.med_r1.data.huatuo import read_huatuo
from medsuite.med_r1.data.omnimedvqa import read_omnimedvqa
from medsuite.med_r1.pictures import FolderPictures, NoPictures
from medsuite.med_r1.schema import Question, QuestionSet

READERS: dict[str, Callable[[Path], list[Question]]] = {"huatuo": read_huatuo, "omnimedvqa": read_omnimedvqa}
"""Readers by format."""


def read(path: Path, layout: str = "huatuo", images: Path | None = None) -> QuestionSet:
    """Read a question set.

    Args:
        path: Its file, or folder where the format has several files.
        layout: `"huatuo"` for the released test file of MedVLM-R1 and HuatuoGPT-Vision's evaluation set,
            `"omnimedvqa"`.
        images: Folder that the image paths start from; without it the set is text alone, enough for an audit.

    Raises:
        InputError: The format is unknown, the file is not in it, it holds no question, or a picture is missing.
    """
    if layout not in READERS:
        raise unknown_name("format", layout, READERS)
    questions = READERS[layout](path)
    if not questions:
        raise InputError(f"{path} holds no question", expected="at least one")
    pictures = FolderPictures(images, [question.image for question in questions]) if images else NoPictures()
    return QuestionSet(tuple(questions), pictures)


__all__ = ["READERS", "read", "read_huatuo", "read_omnimedvqa"]
