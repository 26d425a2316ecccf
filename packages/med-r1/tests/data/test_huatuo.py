import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.med_r1 import read
from medsuite.med_r1.data.huatuo import write_huatuo

ENTRY = {
    "image": ["images/knee 01 (4).png"],
    "problem": "What is shown?\nA) Edema.\nB) No, It's normal.",
    "solution": "B",
    "question": "What is shown?",
    "options": ["Edema.", "No, It's normal."],
    "answer": "No, It's normal.",
    "dataset": "OmniMedVQA",
    "subset": "MR (Mag-netic Resonance Imaging)",
}


def write(tmp_path, *entries):
    path = tmp_path / "questions.json"
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def test_an_entry_of_the_released_file_becomes_a_question(tmp_path):
    (question,) = read(write(tmp_path, ENTRY))
    assert question.options == ("Edema.", "No, It's normal.")
    assert (question.letter, question.subset, question.image) == ("B", "MR", "images/knee 01 (4).png")


def test_the_evaluation_set_has_neither_problem_nor_solution(tmp_path):
    entry = {name: value for name, value in ENTRY.items() if name not in ("problem", "solution")}
    (question,) = read(write(tmp_path, {**entry, "subset": "CT(Computed Tomography)"}))
    assert (question.letter, question.subset) == ("B", "CT")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"answer": "Tumor"}, "'Tumor' is 0 times among the options"),
        ({"options": ["No, It's normal."] * 2}, "is 2 times among the options"),
        ({"solution": "A"}, "solution 'A', but .* is option B"),
        ({"problem": "What?"}, "problem is not the question and its options"),
        ({"options": None}, "has no options"),
        ({"options": [1, 2]}, "has no options"),
        ({"image": "a.png"}, "image is 'a.png'"),
        ({"image": ["a", "b"]}, "a list with one path"),
        ({"question": ""}, "has no question"),
        ({"subset": None}, "has no subset"),
    ],
)
def test_a_broken_entry_is_named_by_file_and_place(tmp_path, changes, message):
    path = write(tmp_path, ENTRY, {**ENTRY, **changes})
    with pytest.raises(InputError, match=rf"questions.json entry 1.*{message}"):
        read(path)


@pytest.mark.parametrize(
    ("content", "message"), [("[", "cannot be read"), ("{}", "holds a dict"), ("[]", "holds no question")]
)
def test_a_file_that_is_no_list_of_questions_is_refused(tmp_path, content, message):
    (tmp_path / "questions.json").write_text(content)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "questions.json")


def test_a_missing_file_an_unknown_format_and_a_missing_picture_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "absent.json")
    with pytest.raises(InputError, match="did you mean 'huatuo'"):
        read(write(tmp_path, ENTRY), "huatou")
    with pytest.raises(InputError, match="1 of 1 pictures are not in"):
        read(write(tmp_path, ENTRY), images=tmp_path)


def test_what_is_written_is_read_back_with_its_pictures(tmp_path, simulated):
    path = write_huatuo([simulated], tmp_path / "new")
    again = read(path, images=tmp_path / "new")
    assert [question.options for question in again] == [question.options for question in simulated]
    assert [question.letter for question in again] == [question.letter for question in simulated]
    for old, new in zip(simulated, again, strict=True):
        assert np.array_equal(np.asarray(simulated.picture(old)), np.asarray(again.picture(new)))
    with pytest.raises(InputError, match="is not empty"):
        write_huatuo([simulated], tmp_path / "new")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(min_size=1).filter(str.strip),
    st.lists(st.text(min_size=1).filter(str.strip), min_size=2, max_size=10, unique=True),
    st.integers(0, 9),
)
def test_texts_of_any_kind_come_through_the_file_unchanged(tmp_path, text, options, answer):
    right = options[answer % len(options)]
    entry = {"image": ["a.png"], "question": text, "options": options, "answer": right, "subset": "X-Ray"}
    (question,) = read(write(tmp_path, entry))
    assert (question.question, question.options, question.answer_text) == (text, tuple(options), right)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_byte_order_mark_and_line_ends_of_any_system_are_read(tmp_path, ending):
    path = tmp_path / "questions.json"
    path.write_bytes(json.dumps([ENTRY], indent=2).replace("\n", ending).encode("utf-8-sig"))
    assert len(read(path)) == 1


@pytest.mark.parametrize("content", [b"\xff\xfe[\x00]\x00", b"[" * 100_000, b'[{"image": ["a'])
def test_a_file_in_another_encoding_too_deep_or_cut_is_refused(tmp_path, content):
    (tmp_path / "questions.json").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "questions.json")


def test_sets_whose_pictures_would_overwrite_each_other_are_not_written(tmp_path, simulated):
    with pytest.raises(InputError, match="12 pictures are in two sets under one name, such as 'MR-hard-00000'"):
        write_huatuo([simulated, simulated], tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_set_from_files_in_folders_is_written_and_read_again(tmp_path, simulated):
    first = read(write_huatuo([simulated], tmp_path / "first"), images=tmp_path / "first")
    again = read(write_huatuo([first], tmp_path / "second"), images=tmp_path / "second")
    assert np.array_equal(again.picture(again.questions[3]), first.picture(first.questions[3]))
