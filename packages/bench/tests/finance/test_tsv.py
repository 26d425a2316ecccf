"""The released layout: rows, pictures, and what a user gets wrong first."""

import base64
import csv
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from medsuite.bench.finance.offsets import OffsetTable
from medsuite.bench.finance.pictures import decode_field, media_type, resolve
from medsuite.bench.finance.schema import Task
from medsuite.bench.finance.tsv import read_questions, validate, write_tsv
from medsuite.core.errors import InputError

HEADER = "index\timage_path\timage_type\timage_style\ttask_category\tquestion\tanswer\tbackground\n"
ROW = "1\ta.png\tCandlestick chart\tComputer Screenshot\tNumerical Calculation\tHow much?\t12.5\tnan\n"


def png(width: int = 4, height: int = 4) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (width, height), "white").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "set.tsv").write_text(HEADER + ROW, encoding="utf-8")
    return tmp_path / "set.tsv"


def test_a_released_row_becomes_a_question_in_the_papers_terms(table: Path) -> None:
    questions = read_questions(table, "en")
    (question,) = questions
    assert (question.task, question.image_type, question.image_style) == (
        Task.ESTIMATED_CALCULATION,
        "candlestick",
        "computer",
    )
    assert question.background == ""
    assert media_type(questions.picture(0)) == "image/png"


FIELDS = st.lists(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\x00")), min_size=2, max_size=2), min_size=1
)


@given(rows=FIELDS)
def test_random_access_gives_what_a_sequential_reader_gives(
    rows: list[list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("rows") / "table.tsv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([["a", "b"], *rows])
    table = OffsetTable(path)
    assert [list(table.row(number).values()) for number in range(len(table))] == rows


def test_a_mark_at_the_start_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "set.tsv"
    path.write_bytes(b"\xef\xbb\xbf" + (HEADER + ROW).replace("\n", "\r\n").encode())
    assert read_questions(path, "en")[0].index == "1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER.replace("\tanswer", "") + ROW, "no column 'answer'"),
        (
            HEADER + ROW.replace("Numerical Calculation", "Numerical Calculations"),
            "did you mean 'Numerical Calculation'",
        ),
        (HEADER + ROW.replace("Candlestick chart", "Pie"), "row 1, image_type: unknown type 'Pie'"),
        (HEADER + ROW.replace("Computer Screenshot", "Painting"), "unknown style 'Painting'"),
        (HEADER + ROW + ROW, "row 2, index: '1' is also the index of row 1"),
        (HEADER + ROW.replace("\tnan", ""), "row 1 has 7 fields"),
        (HEADER + ROW.replace("12.5", " "), "row 1, answer: is empty"),
        (HEADER + ROW.replace("How", '"How'), "never closed"),
        (HEADER, "holds no question"),
        ("", "is empty"),
    ],
)
def test_a_bad_table_is_refused_with_its_first_problem(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "set.tsv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_questions(path, "en")


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nosuch.tsv does not exist"):
        read_questions(tmp_path / "nosuch.tsv", "en")


def test_validation_lists_every_problem_and_then_looks_at_pictures(table: Path) -> None:
    assert validate(table) == []
    (table.parent / "a.png").write_bytes(b"no picture")
    assert [problem.column for problem in validate(table)] == ["image"]
    table.write_text(HEADER + ROW.replace("chart", "x").replace("Candle", "Pie") + ROW, encoding="utf-8")
    assert [(problem.row, problem.column) for problem in validate(table)] == [(1, "image_type"), (2, "index")]


@pytest.mark.parametrize("path", ["../a.png", "/etc/hosts", "x/../../a.png", "", "b\\..\\..\\a.png"])
def test_a_picture_outside_its_folder_is_never_read(table: Path, path: str) -> None:
    with pytest.raises(InputError, match="not inside its folder"):
        resolve(table.parent, path)


def test_a_name_in_the_wrong_case_is_explained(table: Path) -> None:
    with pytest.raises(InputError, match=r"rename 'a.png'"):
        resolve(table.parent, "A.png")


def test_pictures_in_the_table_are_base64_lists_and_references() -> None:
    text = base64.b64encode(png(30, 30)).decode()
    rows = {"1": text, "2": "1", "3": "4", "4": "3"}
    assert decode_field(f"data:image/png;base64,{text}", rows.__getitem__) == (png(30, 30),)
    assert decode_field(f"['{text}', '{text}']", rows.__getitem__) == (png(30, 30),) * 2
    assert decode_field("2", rows.__getitem__) == (png(30, 30),)
    with pytest.raises(InputError, match="loop: 3 -> 4 -> 3"):
        decode_field("3", rows.__getitem__)
    with pytest.raises(InputError, match="no base64"):
        decode_field("?" * 100, rows.__getitem__)


def test_a_huge_picture_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(InputError, match="too big"):
        media_type(png(10_000, 6_000))


def test_writing_and_reading_give_the_same_questions(table: Path) -> None:
    questions = list(read_questions(table, "en"))
    copy = table.parent / "copy.tsv"
    write_tsv(copy, questions)
    assert list(read_questions(copy, "en")) == questions


def test_a_table_in_another_encoding_is_not_read_as_garbage(tmp_path: Path) -> None:
    path = tmp_path / "set.tsv"
    path.write_bytes((HEADER + ROW).encode() + ROW.replace("1\t", "2\t", 1).replace("How much", "多少").encode("gbk"))
    with pytest.raises(InputError, match="row 2 is no text in UTF-8; save the table as UTF-8"):
        OffsetTable(path).row(1)
    assert [(problem.row, problem.column) for problem in validate(path)] == [(2, "all")]


@pytest.mark.parametrize("field", ["['abc', 'def", "[" * 70, "{}".rjust(70, "["), "[]" + " " * 70, "[1, 2" + " " * 70])
def test_a_list_of_pictures_that_is_none_is_one_line(field: str) -> None:
    with pytest.raises(InputError, match="an image field is"):
        decode_field(field.ljust(66), {}.__getitem__)
