"""RULER (arXiv 2404.06654): `TASK/validation.jsonl` with `{index, input, outputs, length}`.

`input` is context and question in one; the question begins at the words with which RULER's templates begin it. Files
in which `context` and `question` are apart already are read as well.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError, unknown_name
from medsuite.meda_kv.evaluate import measures
from medsuite.meda_kv.evaluate.released.files import existing, field, read_rows
from medsuite.meda_kv.evaluate.released.sample import Sample, Source

FAMILIES: dict[str, tuple[str, int]] = {
    "niah": ("\nWhat ", 128),
    "vt": ("\nQuestion:", 30),
    "cwe": ("\nQuestion:", 120),
    "fwe": ("\nQuestion:", 50),
    "qa": ("\nAnswer the question", 32),
}
"""For each family of tasks the words that begin its question, and the tokens that an answer may have."""
TASKS = (
    *(f"niah_{kind}_{number}" for kind in ("single", "multikey") for number in (1, 2, 3)),
    *("niah_multivalue", "niah_multiquery", "vt", "cwe", "fwe", "qa_1", "qa_2"),
)
"""The 13 tasks."""


def ruler(source: Source) -> Iterator[Sample]:
    """Yield the samples of the wanted tasks.

    Args:
        source: A task's `.jsonl` or `.parquet` file, its folder, or a folder of such folders.

    Raises:
        InputError: There is no task of RULER, or one is unknown, missing or damaged.
    """
    for task, file in _files(source):
        for number, row in enumerate(read_rows(file)):
            name = str(row.get("task", task))
            if _family(name) not in FAMILIES:
                raise unknown_name("task of RULER", name, TASKS)
            if not source.datasets or name in source.datasets:
                yield _sample(row, name, f"{name} {row.get('index', number)}")


def _family(task: str) -> str:
    return task.partition("_")[0]


def _files(source: Source) -> list[tuple[str, Path]]:
    path = existing(source.path, "a folder of RULER's tasks, or a file")
    unknown = [name for name in source.datasets if name not in TASKS]
    if unknown:
        raise unknown_name("task of RULER", unknown[0], TASKS)
    if path.is_file():
        own = path.stem if _family(path.stem) in FAMILIES else path.parent.name
        return [(own, path)]
    if (path / "validation.jsonl").is_file():
        return [(path.name, path / "validation.jsonl")]
    wanted = source.datasets or tuple(task for task in TASKS if (path / task).is_dir())
    if not wanted:
        raise InputError(f"{path} holds no task of RULER", expected="folders such as niah_single_1/validation.jsonl")
    return [(task, existing(path / task / "validation.jsonl", "this task's file")) for task in wanted]


def _sample(row: dict[str, Any], task: str, unit: str) -> Sample:
    mark, most = FAMILIES[_family(task)]
    if "context" in row:
        context, question = str(field(row, "context", unit)), str(field(row, "question", unit))
    else:
        context, question = _split(str(field(row, "input", unit)), mark)
    given = field(row, ("outputs", "answer"), unit)
    references = [given] if isinstance(given, str) else list(map(str, given))
    if not references:
        raise InputError(f"{unit} has no outputs", expected="at least one")
    opening = str(row.get("answer_prefix") or "")
    # What a file has already been put into a model's chat template is continued as it stands.
    return Sample(unit, context, question, _grade(task, references), most, opening=opening, turn="context" in row)


def _split(text: str, mark: str) -> tuple[str, str]:
    place = text.rfind(mark)
    place = max(text.rstrip("\n").rfind("\n"), 0) if place < 0 else place
    return text[:place], text[place:]


def _grade(task: str, references: Sequence[str]) -> Callable[[str], float]:
    measure = measures.any_contained if _family(task) == "qa" else measures.all_contained
    return partial(measure, references=references)
