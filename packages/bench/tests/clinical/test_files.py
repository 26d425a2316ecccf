"""What a user gets wrong first: a missing, cut, renamed or foreign file."""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from medsuite.bench.clinical.cohort import build_cohort
from medsuite.bench.clinical.sources.mimic4 import guess_version, open_source
from medsuite.bench.clinical.task import make_task
from medsuite.core.errors import InputError


@pytest.fixture
def folder(hospital, tmp_path: Path) -> Path:
    return Path(shutil.copytree(hospital.folder, tmp_path / "mimic"))


def table(folder: Path, name: str = "admissions") -> Path:
    return folder / "hosp" / f"{name}.csv.gz"


def refused(folder: Path, message: str) -> str:
    with pytest.raises(InputError, match=message) as caught:
        build_cohort(open_source(folder), make_task("mortality"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_table_is_named_with_the_path_that_was_expected(folder: Path) -> None:
    table(folder).unlink()
    assert str(folder / "hosp" / "admissions.csv.gz") in refused(folder, "does not exist")


def test_the_wrong_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder"):
        open_source(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"patients.csv.gz does not exist"):
        open_source(tmp_path)


def test_two_copies_of_a_table_are_refused(folder: Path) -> None:
    table(folder).with_suffix("").write_text("subject_id\n")
    refused(folder, "admissions.csv.* are both there")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>Log in", "is a web page: the download was not authorised"),
        (b"subject_id,hadm_id\n", "is not packed with gzip"),
        (gzip.compress(gzip.compress(b"subject_id\n")), "is packed with gzip twice"),
        (gzip.compress(b"subject_id;hadm_id;admittime\n1;2;3\n"), "is not split by commas"),
        (gzip.compress(b"\xff\xfe\x00a"), "is no text in UTF-8"),
        (gzip.compress(b"subject_id,hadm_id,admittime")[:15], "is truncated within its first line"),
    ],
)
def test_a_file_that_is_no_table_says_what_it_is(folder: Path, content: bytes, message: str) -> None:
    table(folder).write_bytes(content)
    refused(folder, message)


def test_a_truncated_file_names_its_last_whole_row(folder: Path) -> None:
    whole = table(folder).read_bytes()
    table(folder).write_bytes(whole[: len(whole) // 2])
    rows = gzip.decompress(whole).count(b"\n") - 1
    message = refused(folder, r"is truncated after row \d+")
    assert 0 < int(message.partition("row ")[2].partition(";")[0]) < rows


def test_a_missing_column_is_named_with_the_nearest(folder: Path) -> None:
    change(folder, lambda text: text.replace("dischtime", "discharge_time", 1))
    refused(folder, "no column 'dischtime'; nearest: discharge_time")


def test_rows_of_another_width_are_refused(folder: Path) -> None:
    change(folder, lambda text: text + "1,2\n")
    refused(folder, "cannot be read")


def test_columns_are_found_by_name_in_any_case_and_order_with_bom_and_crlf(folder: Path) -> None:
    before = build_cohort(open_source(folder), make_task("mortality"))

    def reorder(text: str) -> str:
        lines = [line.split(",")[::-1] for line in text.splitlines()]
        lines[0] = [name.upper() for name in lines[0]]
        return "\ufeff" + "\r\n".join(",".join(line) for line in lines) + "\r\n"

    change(folder, reorder)
    table(folder).rename(folder / "hosp" / "ADMISSIONS.CSV.GZ")
    after = build_cohort(open_source(folder), make_task("mortality"))
    assert before.label.tolist() == after.label.tolist()


def test_the_hosp_folder_itself_can_be_named(folder: Path) -> None:
    assert open_source(folder / "hosp").folder == folder


def test_a_missing_drug_map_is_explained(folder: Path) -> None:
    (folder / "ndc_atc.csv").unlink()
    refused(folder, "ndc_atc.csv does not exist.*--drug-map")


def test_row_counts_are_the_fingerprint_of_a_version() -> None:
    demo = {"patients": 100, "admissions": 275, "diagnoses_icd": 4506, "procedures_icd": 722, "prescriptions": 18000}
    version, problems = guess_version(demo | {"d_icd_diagnoses": 109_775, "d_icd_procedures": 85_257})
    assert (version, problems) == ("demo 2.2", ["prescriptions: 18,000 rows, demo 2.2 has 18,087"])
    assert guess_version({"patients": 7}) == (None, [])


def change(folder: Path, edit: Callable[[str], str]) -> None:
    text = gzip.decompress(table(folder).read_bytes()).decode()
    table(folder).write_bytes(gzip.compress(edit(text).encode()))
