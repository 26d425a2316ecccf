"""The published tables as data, and what can be computed from them: counts, averages, impossible cells."""

import csv
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from jaxtyping import Float, Int

from medsuite.bench.finance.schema import Language, Task
from medsuite.core.errors import unknown_name

COUNTS: dict[Language, dict[Task, int]] = {
    "en": dict(zip(Task, (164, 178, 163, 229, 133, 42, 22, 53, 18, 147, 22), strict=True)),
    "cn": dict(zip(Task, (144, 182, 148, 166, 126, 32, 37, 91, 13, 144, 20), strict=True)),
}
"""Questions of each task, as the paper prints them."""
VERSION = "2025-08"
ROUNDING = 0.005
"""Half a unit of the last printed digit."""
CUT_OFF = 0.01
"""A whole unit of the last digit: some printed cells are cut off rather than rounded."""
FITTING_ROWS = 0.8
"""Share of the models whose cells must be possible for a count; a few cells are misprinted."""


@dataclass(frozen=True)
class PublishedTable:
    """Scores from 0 to 100 by model and column; `overall` only in the table of tasks."""

    models: tuple[str, ...]
    columns: tuple[str, ...]
    cells: Float[np.ndarray, "models columns"]
    overall: Float[np.ndarray, " models"]


@dataclass(frozen=True)
class CellProblem:
    """A published number that its own counts cannot give."""

    model: str
    column: str
    printed: float
    what: str


def published(language: str, table: str) -> PublishedTable:
    """Load a published table of August 2025.

    Args:
        language: `en` or `cn`.
        table: `tasks`, or `pictures` with types and styles.

    Raises:
        InputError: There is no such table.
    """
    names = [f"{code}_{kind}" for code in ("en", "cn") for kind in ("tasks", "pictures")]
    if f"{language}_{table}" not in names:
        raise unknown_name("published table", f"{language}_{table}", names)
    text = files("medsuite.bench.finance").joinpath("tables", f"{language}_{table}.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    first = 2 if table == "tasks" else 1
    numbers = np.array([[float(cell) for cell in row[first:]] for row in rows])
    overall = np.array([float(row[1]) if table == "tasks" else np.nan for row in rows])
    return PublishedTable(tuple(row[0] for row in rows), tuple(header[first:]), numbers, overall)


def overall_from_cells(
    cells: Float[np.ndarray, "models columns"], counts: Int[np.ndarray, " columns"]
) -> Float[np.ndarray, " models"]:
    """Average cells weighted by their number of questions, as the released code does: one question, one vote."""
    return cells @ counts / counts.sum()


def infer_counts(cells: Float[np.ndarray, "models columns"], most: int) -> Int[np.ndarray, " columns"]:
    """Recover how many questions stand behind each column.

    A cell is 20 x (sum of integer scores) / n, so that cell x n / 20 is an integer up to rounding. The count is the
    smallest n for which that holds in nearly all rows. O(models x columns x most).

    Args:
        cells: Scores from 0 to 100 with two decimals.
        most: Largest count that is tried.
    """
    counts = np.arange(1, most + 1)
    sums = cells[..., None] * counts / 20
    possible = np.abs(sums - np.round(sums)) <= ROUNDING * counts / 20 + 1e-9
    fitting = possible.mean(0) >= FITTING_ROWS
    return np.where(fitting.any(-1), counts[fitting.argmax(-1)], 0)


def check_table(language: Language) -> list[CellProblem]:
    """List the cells of the table of tasks that no integer scores give, and the averages that their cells do not."""
    table = published(language, "tasks")
    counts = np.array([COUNTS[language][Task(column)] for column in table.columns])
    problems = []
    sums = table.cells * counts / 20
    impossible = np.abs(sums - np.round(sums)) > CUT_OFF * counts / 20 + 1e-9
    for model, column in np.argwhere(impossible):
        what = f"is no multiple of 20 / {counts[column]}"
        problems.append(
            CellProblem(table.models[model], table.columns[column], float(table.cells[model, column]), what)
        )
    recomputed = overall_from_cells(table.cells, counts)
    for model in np.flatnonzero(np.abs(recomputed - table.overall) > CUT_OFF + 1e-9):
        what = f"its cells average to {recomputed[model]:.2f}"
        problems.append(CellProblem(table.models[model], "overall", float(table.overall[model]), what))
    return problems
