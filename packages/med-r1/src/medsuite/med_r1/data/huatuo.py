"""The released test file of MedVLM-R1, and HuatuoGPT-Vision's evaluation set, from which it was taken.

One JSON list, a question an entry: `image` (a list with one path), `question`, `options`, `answer` (the text of the
right option), `dataset`, `subset`; the released file adds `problem` (question and options) and `solution` (the letter).
Entries 0 to 299 of the released file are MRI, 300 to 599 CT, 600 to 899 X-ray, under the subset names of `SUBSETS`.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError
from medsuite.core.runs import write_atomically
from medsuite.med_r1.data.fields import load_json, text_field
from medsuite.med_r1.prompts import problem
from medsuite.med_r1.schema import Question, QuestionSet

SUBSETS = {"MR (Mag-netic Resonance Imaging)": "MR", "CT(Computed Tomography)": "CT", "X-Ray": "X-ray"}
"""Short names of the subsets; the odd hyphen is in the files."""


def read_huatuo(path: Path) -> list[Question]:
    """Read the questions; the id is the place in the file.

    Args:
        path: The JSON file.

    Raises:
        InputError: The file is missing, cut or another layout; an answer is not among its options; letter and text
            disagree; or `problem` is not question and options.
    """
    entries = load_json(path)
    if not isinstance(entries, list):
        raise InputError(f"{path} holds a {type(entries).__name__}", expected="a list with an entry per question")
    return [_question(entry, f"{path} entry {number}", str(number)) for number, entry in enumerate(entries)]


def write_huatuo(sets: Sequence[QuestionSet], folder: Path) -> Path:
    """Write questions in the released layout, `questions.json` with PNG files below `images/`, and return its path.

    Args:
        sets: Question sets with unlike picture names.
        folder: A new folder.

    Raises:
        InputError: The folder is there and not empty, or two sets call a picture alike.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not empty", expected="a new folder")
    _refuse_shared_pictures(sets)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    long_names = {short: long for long, short in SUBSETS.items()}
    entries = []
    for questions in sets:
        for question in questions:
            name = f"images/{question.image}.png"
            if not (folder / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                questions.picture(question).save(folder / name)
            entries.append(
                {
                    "image": [name],
                    "problem": problem(question),
                    "solution": question.letter,
                    "question": question.question,
                    "options": list(question.options),
                    "answer": question.answer_text,
                    "dataset": "simulated",
                    "subset": long_names.get(question.subset, question.subset),
                }
            )
    path = folder / "questions.json"
    write_atomically(path, json.dumps(entries, indent=4, ensure_ascii=False) + "\n")
    return path


def _refuse_shared_pictures(sets: Sequence[QuestionSet]) -> None:
    """Refuse sets of which one's pictures would be written over another's."""
    seen: set[str] = set()
    for questions in sets:
        names = {question.image for question in questions}
        if shared := names & seen:
            given = f"{len(shared)} pictures are in two sets under one name, such as {min(shared)!r}"
            raise InputError(given, expected="sets with unlike picture names", fix="name each modality once")
        seen |= names


def _question(entry: Any, where: str, name: str) -> Question:
    options = _options(entry, where)
    answer = text_field(entry, "answer", where)
    if options.count(answer) != 1:
        raise InputError(f"{where}: answer {answer!r} is {options.count(answer)} times among the options {options}")
    subset = text_field(entry, "subset", where)
    question = Question(
        name,
        _image(entry, where),
        text_field(entry, "question", where),
        tuple(options),
        options.index(answer),
        SUBSETS.get(subset, subset),
    )
    _check_released_fields(entry, question, where)
    return question


def _options(entry: Any, where: str) -> list[str]:
    options = entry.get("options") if isinstance(entry, dict) else None
    if not isinstance(options, list) or not all(isinstance(option, str) for option in options):
        raise InputError(f"{where} has no options", expected="a list of texts under 'options'")
    return options


def _image(entry: dict[str, Any], where: str) -> str:
    images = entry.get("image")
    if not isinstance(images, list) or len(images) != 1 or not isinstance(images[0], str):
        raise InputError(f"{where}: image is {images!r}", expected="a list with one path")
    return images[0]


def _check_released_fields(entry: dict[str, Any], question: Question, where: str) -> None:
    if "solution" in entry and entry["solution"] != question.letter:
        raise InputError(
            f"{where}: solution {entry['solution']!r}, but {question.answer_text!r} is option {question.letter}"
        )
    if "problem" in entry and entry["problem"] != problem(question):
        raise InputError(f"{where}: problem is not the question and its options", expected=repr(problem(question)))
