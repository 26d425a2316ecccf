"""OCR, the page it gives, axes found on it, and the experiment from end to end on one picture."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medsuite.bench.finance.baselines.layout import calibrate, value_after
from medsuite.bench.finance.baselines.page import Page, Word, page_from_drawing
from medsuite.bench.finance.baselines.rules import answer
from medsuite.bench.finance.claims import FINANCE, FinanceSettings, make_jobs
from medsuite.bench.finance.draw.generate import draw_chart
from medsuite.bench.finance.questions.make import make_questions
from medsuite.bench.finance.schema import ImageType
from medsuite.core.claims import Scale
from medsuite.core.errors import InputError, MissingDependencyError

BLANK = np.full((200, 300, 3), 255, dtype=np.uint8)


def word(text: str, left: float, row: float) -> Word:
    width = 8.0 * len(text)
    return Word(text, np.array([[left, row - 6], [left + width, row - 6], [left + width, row + 6], [left, row + 6]]))


def test_an_axis_is_calibrated_despite_misread_labels() -> None:
    axis = calibrate([(100.0, 50.0), (200.0, 40.0), (300.0, 3.0), (400.0, 20.0), (150.0, 450.0)])
    assert axis is not None
    assert axis.value(300) == pytest.approx(30)
    assert calibrate([(100.0, 50.0)]) is None


@pytest.mark.parametrize("text", ["MA5: 12.34", "MAS:12.34", "MA5 12.34", "x MA5: 12.34 MA10: 9.99"])
def test_a_value_is_found_after_its_name_however_the_name_was_read(text: str) -> None:
    assert value_after(Page((word(text, 10, 20),), BLANK), "MA[5S]") == "12.34"


def test_a_value_may_be_the_next_word_of_the_row() -> None:
    page = Page((word("K:", 10, 20), word("57.06", 40, 22), word("99.9", 40, 60)), BLANK)
    assert value_after(page, "K") == "57.06"
    assert value_after(page, "D") is None


def test_an_empty_page_makes_the_rules_abstain() -> None:
    chart = draw_chart(ImageType.TABLE, "en", np.random.default_rng(0))
    (question, *_) = make_questions(chart, "a.png", np.random.default_rng(0))
    assert answer(question, Page((), BLANK)) == "Not Applicable"


class Run:
    """The smallest context of a job."""

    scale: Scale = "smoke"
    data: Path | None = None
    settings: FinanceSettings = FinanceSettings(seeds=1, pictures=1, levels=())

    def artefact(self, name: str, build: Callable[[Path], None]) -> Path:
        raise AssertionError(f"the claim builds nothing, but asked for {name}")

    def progress(self, fraction: float) -> None:
        """Nobody watches."""


def test_a_missing_ocr_engine_is_one_line_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "rapidocr", None)
    from medsuite.bench.finance.baselines.ocr import OcrReader

    with pytest.raises((MissingDependencyError, ModuleNotFoundError), match="rapidocr"):
        OcrReader()


def test_a_data_folder_is_refused_since_nothing_in_it_is_paired(tmp_path: Path) -> None:
    context = Run()
    context.data = tmp_path
    with pytest.raises(InputError, match="no released picture exists in two styles"):
        list(FINANCE.run(make_jobs(context.settings)[0], context))


@pytest.mark.slow
def test_the_engine_reads_drawn_strings_in_both_languages_and_a_job_gives_rows() -> None:
    pytest.importorskip("rapidocr")
    from medsuite.bench.finance.baselines.ocr import OcrReader

    reader = OcrReader()
    for language in ("en", "cn"):
        chart = draw_chart(ImageType.TABLE, language, np.random.default_rng(1))
        drawn = {w.text for w in page_from_drawing(chart.texts, chart.picture).words}
        read = {w.text for w in reader.read(chart.picture).words}
        assert len(drawn & read) > 0.9 * len(drawn)
    assert reader.read(BLANK).words == ()
    job = next(job for job in make_jobs(Run.settings) if job.settings["image_type"] == "document")
    rows = list(FINANCE.run(job, Run()))
    assert {"screen", "true text", "square", "prior"} == {row.arm for row in rows}
    assert all(row.value == 1 for row in rows if row.arm == "true text" and row.metric != "false abstention")
