import json

import pytest

from medsuite.core.errors import InputError
from medsuite.med_r1 import read

ENTRY = {
    "dataset": "ACRIMA",
    "question_id": "ACRIMA_0000",
    "question_type": "Modality Recognition",
    "question": "What imaging technique was used?",
    "gt_answer": "Fundus imaging",
    "image_path": "Images/ACRIMA/Im553_g_ACRIMA.png",
    "option_A": "PET",
    "option_B": "Fundus imaging",
    "option_C": "MRI",
    "option_D": "CT",
    "modality_type": "Fundus Photography",
}


def write(path, *entries):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries))
    return path


def test_an_entry_becomes_a_question(tmp_path):
    (question,) = read(write(tmp_path / "ACRIMA.json", ENTRY), "omnimedvqa")
    assert (question.id, question.letter, question.kind) == ("ACRIMA_0000", "B", "Modality Recognition")
    assert question.subset == "Fundus Photography"
    assert question.image == "Images/ACRIMA/Im553_g_ACRIMA.png"


@pytest.mark.parametrize("absent", [None, "", float("nan")])
def test_options_that_are_not_there_are_left_out(tmp_path, absent):
    entry = {**ENTRY, "option_C": absent, "option_D": absent}
    (question,) = read(write(tmp_path / "a.json", entry), "omnimedvqa")
    assert question.options == ("PET", "Fundus imaging")
    short = {name: value for name, value in ENTRY.items() if name not in ("option_C", "option_D")}
    (question,) = read(write(tmp_path / "b.json", short), "omnimedvqa")
    assert question.options == ("PET", "Fundus imaging")


def test_a_folder_is_read_file_by_file(tmp_path):
    write(tmp_path / "QA" / "Open-access" / "a.json", ENTRY)
    write(tmp_path / "QA" / "Restricted-access" / "b.json", {**ENTRY, "question_id": "b", "modality_type": "MR"})
    questions = read(tmp_path / "QA", "omnimedvqa")
    assert [question.id for question in questions] == ["ACRIMA_0000", "b"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no JSON file"):
        read(tmp_path / "empty", "omnimedvqa")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gt_answer": "X-ray"}, "'X-ray' is 0 times"),
        ({"gt_answer": None}, "has no gt_answer"),
        ({"option_B": None}, "have a gap"),
        ({"option_D": 7}, "expected texts"),
        ({"image_path": None}, "has no image_path"),
        ({"question_id": 3}, "has no question_id"),
    ],
)
def test_a_broken_entry_is_named_by_file_and_place(tmp_path, changes, message):
    with pytest.raises(InputError, match=rf"a.json entry 0.*{message}"):
        read(write(tmp_path / "a.json", {**ENTRY, **changes}), "omnimedvqa")


def test_a_file_of_another_layout_is_refused(tmp_path):
    (tmp_path / "a.json").write_text('{"questions": []}')
    with pytest.raises(InputError, match="holds a dict"):
        read(tmp_path / "a.json", "omnimedvqa")
