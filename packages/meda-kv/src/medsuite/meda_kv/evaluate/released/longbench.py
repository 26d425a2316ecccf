"""LongBench (arXiv 2308.14508): `data/NAME.jsonl`, with the prompts of `config/dataset2prompt.json` where it is there.

Rows: `{input, context, answers, length, dataset, language, all_classes, _id}`. The questions are those of the release
when its `config` folder lies beside or above the data; otherwise a plain prompt is used, and results are comparable
among the methods of a run but not with published ones.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError, unknown_name
from medsuite.meda_kv.evaluate import measures
from medsuite.meda_kv.evaluate.released.files import existing, field, read_json, read_rows
from medsuite.meda_kv.evaluate.released.sample import Sample, Source

PLAIN = "Read the text.\n\n{context}\n\nAnswer in as few words as possible.\n\n{input}\nAnswer:"
"""The prompt where the release's own are not there."""


@dataclass(frozen=True)
class Task:
    """How a data set of LongBench is asked and graded.

    Attributes:
        measure: Grades an answer against one reference; None for classification.
        most: Tokens that an answer may have.
        turn: Whether it is asked as a turn of a chat.
        first_line: Whether only the answer's first line counts.
    """

    measure: Callable[[str, str], float] | None
    most: int
    turn: bool = True
    first_line: bool = False


_ENGLISH, _SUMMARY = partial(Task, measures.qa_f1), Task(measures.rouge_l, 512)
_CHINESE_SUMMARY = partial(Task, measures.rouge_l_chinese)
_CODE = Task(measures.code_similarity, 64, turn=False)
TASKS: dict[str, Task] = {
    "narrativeqa": _ENGLISH(128),
    "qasper": _ENGLISH(128),
    "multifieldqa_en": _ENGLISH(64),
    "multifieldqa_zh": Task(measures.qa_f1_chinese, 64),
    "hotpotqa": _ENGLISH(32),
    "2wikimqa": _ENGLISH(32),
    "musique": _ENGLISH(32),
    "dureader": _CHINESE_SUMMARY(128),
    "gov_report": _SUMMARY,
    "qmsum": _SUMMARY,
    "multi_news": _SUMMARY,
    "vcsum": _CHINESE_SUMMARY(512),
    "trec": Task(None, 64, turn=False, first_line=True),
    "triviaqa": Task(measures.qa_f1, 32, turn=False, first_line=True),
    "samsum": Task(measures.rouge_l, 128, turn=False, first_line=True),
    "lsht": Task(None, 64, turn=False, first_line=True),
    "passage_count": Task(measures.matching_numbers, 32),
    "passage_retrieval_en": Task(measures.matching_numbers, 32),
    "passage_retrieval_zh": Task(measures.matching_numbers, 32),
    "lcc": _CODE,
    "repobench-p": _CODE,
}
"""The 21 data sets."""


def longbench(source: Source) -> Iterator[Sample]:
    """Yield the samples of the wanted data sets.

    Args:
        source: The folder of `.jsonl` files, one of them, or the release's root; `NAME_e.jsonl` files count as `NAME`.

    Raises:
        InputError: The folder holds no data set of LongBench, or one is unknown, missing or damaged.
    """
    files = _files(source)
    prompts = _prompts(source.path)
    for file in files:
        name = _name(file)
        for number, row in enumerate(read_rows(file)):
            yield _sample(row, name, f"{file.stem} {row.get('_id', number)}", prompts.get(name, PLAIN))


def _name(file: Path) -> str:
    return file.stem.removesuffix("_e")


def _files(source: Source) -> list[Path]:
    path = existing(source.path, "a LongBench folder or one of its .jsonl files")
    if path.is_file():
        return [_known(path)]
    folder = path / "data" if (path / "data").is_dir() else path
    if source.datasets:
        return [existing(_known(folder / f"{name}.jsonl"), "this data set's file") for name in source.datasets]
    found = [file for file in sorted(folder.glob("*.jsonl")) if _name(file) in TASKS]
    if not found:
        raise InputError(f"{path} holds no data set of LongBench", expected="files such as hotpotqa.jsonl")
    return found


def _known(file: Path) -> Path:
    if _name(file) not in TASKS:
        raise unknown_name("data set of LongBench", _name(file), TASKS)
    return file


def _prompts(path: Path) -> dict[str, str]:
    """The release's prompts, if its `config` folder is there."""
    folder = path if path.is_dir() else path.parent
    places = [place / "config" / "dataset2prompt.json" for place in (folder, folder.parent)]
    return next((read_json(place) for place in places if place.is_file()), {})


def _sample(row: dict[str, Any], name: str, unit: str, prompt: str) -> Sample:
    task, asked = TASKS[name], str(row.get("input") or "")
    before, _, after = (part.replace("{input}", asked) for part in prompt.partition("{context}"))
    references = list(map(str, field(row, "answers", unit)))
    grade = _classes(row, references, unit) if task.measure is None else measures.against(task.measure, references)
    return Sample(
        unit,
        before + str(field(row, "context", unit)),
        after,
        measures.first_line(grade) if task.first_line else grade,
        task.most,
        turn=task.turn,
    )


def _classes(row: dict[str, Any], references: Sequence[str], unit: str) -> Callable[[str], float]:
    classes = list(map(str, field(row, "all_classes", unit)))
    return measures.against(partial(measures.classification, classes=classes), references)
