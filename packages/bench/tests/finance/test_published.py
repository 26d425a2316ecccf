"""The published tables: averages and counts follow from the cells."""

import numpy as np
import pytest

from medsuite.bench.finance.published import COUNTS, check_table, infer_counts, overall_from_cells, published
from medsuite.bench.finance.schema import Language, Task
from medsuite.core.errors import InputError

PICTURES: dict[Language, list[int]] = {
    "en": [143, 176, 291, 262, 278, 21, 554, 474, 66, 77],
    "cn": [140, 181, 202, 248, 270, 62, 422, 448, 161, 72],
}


@pytest.mark.parametrize(("language", "agreeing", "models"), [("en", 29, 31), ("cn", 29, 30)])
def test_the_published_average_is_that_of_the_cells_weighted_by_questions(
    language: Language, agreeing: int, models: int
) -> None:
    table = published(language, "tasks")
    counts = np.array([COUNTS[language][Task(column)] for column in table.columns])
    difference = np.abs(overall_from_cells(table.cells, counts) - table.overall)
    assert len(difference) == models
    assert (difference <= 0.01).sum() == agreeing


@pytest.mark.parametrize("language", ["en", "cn"])
def test_the_counts_of_questions_are_recovered_from_the_cells(language: Language) -> None:
    assert list(infer_counts(published(language, "tasks").cells, 400)) == list(COUNTS[language].values())
    pictures = infer_counts(published(language, "pictures").cells, 700)
    assert list(pictures) == PICTURES[language]
    assert pictures[:6].sum() == pictures[6:].sum() == sum(COUNTS[language].values())


def test_counts_of_invented_scores_are_recovered() -> None:
    rng = np.random.default_rng(0)
    counts = np.array([17, 64, 133])
    sums = np.stack([rng.integers(0, 5 * counts + 1) for _ in range(30)])
    assert list(infer_counts(np.round(20 * sums / counts, 2), 200)) == list(counts)


def test_rows_that_were_pasted_or_mistyped_are_found() -> None:
    found = {(problem.model, problem.column) for problem in check_table("en")}
    assert ("Qwen2.5VL-7B", "overall") in found
    assert ("LLaMA3.2-90B", "ER") in found
    assert ("GPT-4o", "overall") not in found
    assert ("Yi-VL-34B", "overall") in {(problem.model, problem.column) for problem in check_table("cn")}


def test_photographs_score_below_screens_in_every_published_row() -> None:
    languages: tuple[Language, ...] = ("en", "cn")
    for language in languages:
        table = published(language, "pictures")
        assert (
            table.cells[:, table.columns.index("computer")] > table.cells[:, table.columns.index("photograph")]
        ).all()


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(InputError, match="unknown published table"):
        published("fr", "tasks")
