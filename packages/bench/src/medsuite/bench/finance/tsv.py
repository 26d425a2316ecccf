"""Question sets in the released layout: a TSV with one question a row, and pictures beside it or inside it."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from medsuite.bench.finance.offsets import OffsetTable
from medsuite.bench.finance.pictures import decode_field, media_type, resolve
from medsuite.bench.finance.schema import RELEASED_TASKS, ImageStyle, ImageType, Language, Question, Task
from medsuite.core.errors import InputError, MedsuiteError, unknown_name

COLUMNS = ("index", "image_type", "image_style", "task_category", "question", "answer")
"""Columns that must be there; `image_path` or `image`, and `background`, may be."""
RELEASED_NAMES = {task: name for name, task in RELEASED_TASKS.items()}


@dataclass(frozen=True)
class Problem:
    """What is wrong with one field: row from 1, column, what it is, how to mend it."""

    row: int
    column: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        return f"row {self.row}, {self.column}: {self.what}" + (f"; {self.mend}" if self.mend else "")


class QuestionSet(Sequence[Question]):
    """Questions in the order of their file; pictures are opened on demand."""

    def __init__(self, table: OffsetTable, images: Path, questions: tuple[Question, ...]) -> None:
        self._table, self._images, self._questions = table, images, questions
        self._rows = {question.index: number for number, question in enumerate(questions)}

    def __len__(self) -> int:
        return len(self._questions)

    @overload
    def __getitem__(self, place: int) -> Question: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Question, ...]: ...
    def __getitem__(self, place: int | slice) -> Question | tuple[Question, ...]:
        return self._questions[place]

    def picture(self, number: int) -> bytes:
        """Return the stored bytes of a question's (first) picture.

        Raises:
            InputError: It does not exist, lies outside its folder, or is no base64.
        """
        if "image" in self._table.columns:
            return decode_field(self._table.row(number)["image"], self._image_field)[0]
        return resolve(self._images, self._questions[number].picture).read_bytes()

    def _image_field(self, index: str) -> str:
        if index not in self._rows:
            raise unknown_name("row that an image field refers to", index, self._rows)
        return self._table.row(self._rows[index])["image"]


def read_questions(path: Path, language: Language, images: Path | None = None) -> QuestionSet:
    """Read a question set and refuse it with its first problem; `validate` lists them all.

    Args:
        path: The TSV file.
        language: Language of its questions.
        images: Folder of the pictures, the file's own when None.

    Raises:
        InputError: The file is missing, a column is, there is no row, or a row has a problem.
    """
    table = OffsetTable(path)
    problems = list(_problems(table))
    if problems:
        more = f" and {len(problems) - 1} more problems" if len(problems) > 1 else ""
        raise InputError(
            f"{path}: {problems[0]}{more}", fix=f"list them with: medsuite bench finance data validate {path}"
        )
    rows = (table.row(number) for number in range(len(table)))
    return QuestionSet(table, images or path.parent, tuple(_question(row, language) for row in rows))


def validate(path: Path, images: Path | None = None) -> list[Problem]:
    """List everything that is wrong with a question set, pictures included.

    Raises:
        InputError: The file or a column is missing, or there is no row.
    """
    table = OffsetTable(path)
    problems = list(_problems(table))
    if problems:
        return problems
    questions = read_questions(path, "en", images)
    return [problem for number in range(len(questions)) if (problem := _picture_problem(questions, number))]


def write_tsv(path: Path, questions: Iterable[Question]) -> None:
    """Write questions in the released layout, with line feeds and tabs inside quotes."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(("index", "image_path", *COLUMNS[1:], "background"))
        for question in questions:
            row = (question.index, question.picture, question.image_type, question.image_style)
            writer.writerow((*row, RELEASED_NAMES[question.task], question.text, question.answer, question.background))


def known_type(text: str) -> ImageType | None:
    """Recognise a picture type by the word that the released names begin with, such as `Candlestick chart`."""
    words = {"technical": ImageType.INDICATOR, **{kind.value: kind for kind in ImageType}}
    return next((kind for word, kind in words.items() if text.lower().startswith(word)), None)


def known_style(text: str) -> ImageStyle | None:
    """Recognise a picture style by a word that it holds, such as `Mobile Photograph`."""
    return next((style for style in ImageStyle if style.value in text.lower()), None)


def _problems(table: OffsetTable) -> Iterator[Problem]:
    missing = [column for column in COLUMNS if column not in table.columns]
    missing += [] if {"image", "image_path"} & set(table.columns) else ["image_path"]
    if missing:
        raise InputError(
            f"{table.path} has no column {missing[0]!r}", expected=f"columns {', '.join(COLUMNS)}, image_path"
        )
    if not len(table):
        raise InputError(f"{table.path} holds no question", expected="a row for each below the header")
    first_row: dict[str, int] = {}
    for number in range(len(table)):
        try:
            row = table.row(number)
        except InputError as error:
            yield Problem(number + 1, "all", error.what.partition(": ")[2], error.fix or "")
            continue
        yield from _row_problems(row, number + 1)
        if row["index"] in first_row:
            yield Problem(number + 1, "index", f"{row['index']!r} is also the index of row {first_row[row['index']]}")
        first_row.setdefault(row["index"], number + 1)


def _row_problems(row: dict[str, str], number: int) -> Iterator[Problem]:
    if row["task_category"] not in RELEASED_TASKS:
        error = unknown_name("task", row["task_category"], RELEASED_TASKS)
        yield Problem(number, "task_category", error.what, error.fix or f"expected {error.expected}")
    if known_type(row["image_type"]) is None:
        yield Problem(
            number, "image_type", f"unknown type {row['image_type']!r}", f"expected one of {', '.join(ImageType)}"
        )
    if known_style(row["image_style"]) is None:
        yield Problem(
            number, "image_style", f"unknown style {row['image_style']!r}", f"expected {', '.join(ImageStyle)}"
        )
    for column in ("question", "answer"):
        if not row[column].strip():
            yield Problem(number, column, "is empty")


def _picture_problem(questions: QuestionSet, number: int) -> Problem | None:
    try:
        media_type(questions.picture(number))
    except MedsuiteError as error:
        return Problem(number + 1, "image", error.what, error.fix or "")
    return None


def _question(row: dict[str, str], language: Language) -> Question:
    task: Task = RELEASED_TASKS[row["task_category"]]
    background = row.get("background", "")
    return Question(
        index=row["index"],
        picture=row.get("image_path", ""),
        image_type=str(known_type(row["image_type"])),
        image_style=str(known_style(row["image_style"])),
        task=task,
        text=row["question"],
        answer=row["answer"],
        language=language,
        background="" if background.lower() == "nan" else background,
    )
