"""OmniMedVQA (Hu et al. 2024): one JSON list for each source data set, options in four fields."""

from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError
from medsuite.med_r1.data.fields import load_json, text_field
from medsuite.med_r1.schema import Question

OPTIONS = ("option_A", "option_B", "option_C", "option_D")


def read_omnimedvqa(path: Path) -> list[Question]:
    """Read the questions of one file, or of all JSON files below a folder, in the order of their names.

    Args:
        path: A JSON file such as `QA_information/Open-access/ACRIMA.json`, or a folder of such files.

    Raises:
        InputError: A file is missing, cut or another layout, or an answer is not among its options.
    """
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path} holds no JSON file", expected="the folder QA_information")
    return [question for file in files for question in _file(file)]


def _file(path: Path) -> list[Question]:
    entries = load_json(path)
    if not isinstance(entries, list):
        raise InputError(f"{path} holds a {type(entries).__name__}", expected="a list with an entry per question")
    return [_question(entry, f"{path} entry {number}") for number, entry in enumerate(entries)]


def _question(entry: Any, where: str) -> Question:
    answer = text_field(entry, "gt_answer", where)
    options = _options(entry, where)
    if options.count(answer) != 1:
        raise InputError(f"{where}: answer {answer!r} is {options.count(answer)} times among the options {options}")
    return Question(
        text_field(entry, "question_id", where),
        text_field(entry, "image_path", where),
        text_field(entry, "question", where),
        tuple(options),
        options.index(answer),
        text_field(entry, "modality_type", where),
        text_field(entry, "question_type", where),
    )


def _options(entry: dict[str, Any], where: str) -> list[str]:
    """Return the options that are there; absent, null, empty and NaN ones end the list."""
    given = [entry.get(name) for name in OPTIONS]
    present = [isinstance(value, str) and bool(value.strip()) for value in given]
    if any(value is not None and value == value and not isinstance(value, str) for value in given):
        raise InputError(f"{where}: options {given!r}", expected="texts")
    if present != sorted(present, reverse=True):
        raise InputError(f"{where}: options {given!r} have a gap", expected="options from A on")
    return [value for value, there in zip(given, present, strict=True) if there and isinstance(value, str)]
