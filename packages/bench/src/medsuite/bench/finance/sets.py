"""Making a question set on disk: the released TSV, its pictures, and the truth that the TSV has no column for."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from medsuite.bench.finance.camera import LEVELS, photograph
from medsuite.bench.finance.experiment import draw_sample
from medsuite.bench.finance.judging import HIGHEST, Judgement
from medsuite.bench.finance.schema import ImageStyle, ImageType, Language, Question
from medsuite.bench.finance.tsv import QuestionSet, read_questions, write_tsv
from medsuite.core.errors import InputError, unknown_name
from medsuite.core.runs import write_atomically

STYLES = ("screen", *LEVELS)
TRUTH = "truth.jsonl"


def make_set(out: Path, pictures: int, styles: Sequence[str], seed: int = 0) -> dict[Language, Path]:
    """Draw pictures of every type, in every style, and write one TSV a language.

    The same picture and question appears in every style, so that styles can be compared in pairs. The result depends on
    the seed only, and adding pictures changes none of the others.

    Args:
        out: A folder that does not exist or is empty.
        pictures: Pictures per type.
        styles: `screen` or camera levels.
        seed: Seed of the market, the content and the photographs.

    Raises:
        InputError: A style is unknown, or the folder is not empty.
    """
    for style in styles:
        if style not in STYLES:
            raise unknown_name("style", style, STYLES)
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise InputError(f"{out} is not empty", fix="name a new folder")
    (out / "images").mkdir(parents=True, exist_ok=True)
    questions = [question for style in styles for question in _make_style(out, pictures, style, seed)]
    (out / TRUTH).write_text(
        "".join(f"{json.dumps(_truth(q), ensure_ascii=False)}\n" for q in questions), encoding="utf-8"
    )
    paths: dict[Language, Path] = {}
    for language in ("en", "cn"):
        chosen = [question for question in questions if question.language == language]
        if chosen:
            paths[language] = out / f"finance_{language}.tsv"
            write_tsv(paths[language], chosen)
    return paths


def read_set(path: Path, language: Language, images: Path | None = None) -> tuple[QuestionSet, tuple[Question, ...]]:
    """Read a question set, and its questions with options and axis where `truth.jsonl` lies beside it.

    Raises:
        InputError: See `read_questions`; or a line of `truth.jsonl` is no such object.
    """
    stored = read_questions(path, language, images)
    truth = path.parent / TRUTH
    if not truth.is_file():
        return stored, tuple(stored)
    extra: dict[str, dict[str, Any]] = {}
    for number, line in _lines(truth):
        try:
            row = json.loads(line)
            told = {name: row[name] for name in ("axis_span", "template")}
            extra[row["index"]] = {"options": tuple(row["options"]), **told}
        except (ValueError, KeyError, TypeError) as error:
            what = f"{truth}, line {number} says nothing about a question"
            raise InputError(what, fix="make the set again") from error
    return stored, tuple(replace(question, **extra.get(question.index, {})) for question in stored)


def read_replies(path: Path, questions: Iterable[Question]) -> list[str]:
    """Read a model's replies, JSON lines with `index` and `reply`, in the order of the questions.

    Raises:
        InputError: The file is missing, a line is no such object, or a question has no reply or two.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist", expected='JSON lines such as {"index": "1", "reply": "12.5"}')
    replies: dict[str, str] = {}
    for number, line in _lines(path):
        try:
            row = json.loads(line)
            index, reply = str(row["index"]), str(row["reply"])
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}, line {number} is no reply", expected='{"index": "1", "reply": "12.5"}'
            ) from error
        if index in replies:
            raise InputError(f"{path}, line {number} is a second reply to question {index!r}", fix="keep one of them")
        replies[index] = reply
    missing = [question.index for question in questions if question.index not in replies]
    if missing:
        raise InputError(
            f"{path} has no reply to question {missing[0]!r} and {len(missing) - 1} others", fix="run them"
        )
    return [replies[question.index] for question in questions]


def read_judgements(path: Path) -> dict[str, list[Judgement]]:
    """Read a judge's file, JSON lines with `index`, `score` (null where there is none), `reason` and `attempts`.

    Raises:
        InputError: The file is missing, or a line is no such object.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist", expected="a file that `medsuite bench finance judge` wrote")
    judged: dict[str, list[Judgement]] = {}
    for number, line in _lines(path):
        try:
            row = json.loads(line)
            score = row["score"]
            if score is not None and score not in range(HIGHEST + 1):
                raise ValueError(f"score {score!r}")
            judgement = Judgement(score if score is None else int(score), str(row["reason"]), int(row["attempts"]))
            judged.setdefault(str(row["index"]), []).append(judgement)
        except (ValueError, KeyError, TypeError) as error:
            expected = '{"index": "1", "repeat": 0, "score": 4, "reason": "...", "attempts": 1}'
            raise InputError(f"{path}, line {number} is no judgement", expected=expected) from error
    return judged


def write_rows(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write JSON lines; the file appears whole or not at all."""
    write_atomically(path, "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file that are not blank, with their number from 1.

    Only a line feed ends a line: a model's words may hold U+2028 and its like, at which `splitlines` would cut.

    Raises:
        InputError: The file is no text in UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text in UTF-8", expected="JSON lines") from error
    return ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


def _make_style(out: Path, pictures: int, style: str, seed: int) -> Iterator[Question]:
    from PIL import Image

    for image_type in ImageType:
        for number in range(pictures):
            sample = draw_sample(seed, image_type, number)
            picture, suffix = sample.chart.picture, "png"
            if style != "screen":
                rng = np.random.default_rng((*sample.generator_key, list(LEVELS).index(style)))
                picture, suffix = photograph(picture, style, rng).picture, "jpg"
            name = f"images/{sample.name}-{style}.{suffix}"
            Image.fromarray(picture).save(out / name, quality=95)
            kind = ImageStyle.COMPUTER if style == "screen" else ImageStyle.PHOTOGRAPH
            for question in sample.questions:
                yield replace(question, index=f"{question.index}-{style}", picture=name, image_style=kind)


def _truth(question: Question) -> dict[str, object]:
    span = question.axis_span
    return {"index": question.index, "options": question.options, "axis_span": span, "template": question.template}
