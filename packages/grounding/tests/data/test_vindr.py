import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.grounding.data import read_vindr

TRAIN = """image_id,rad_id,class_name,x_min,y_min,x_max,y_max
a,R1,Nodule/Mass,10,20,30,40
a,R2,Nodule/Mass,12,20,30,42
a,R3,No finding,,,,
b,R1,No finding,,,,
vindrcxr/c,R4, Cardiomegaly ,100.5,200,300,400
"""


def write(tmp_path, text, name="annotations_train.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_rows_become_images_in_order_with_readers_and_stripped_names(tmp_path):
    first, second, third = read_vindr(write(tmp_path, TRAIN))
    assert (first.image_id, second.image_id, third.image_id) == ("a", "b", "c")
    assert first.labels == ("Nodule/Mass", "Nodule/Mass")
    assert first.readers == ("R1", "R2")
    assert second.boxes.shape == (0, 4)
    np.testing.assert_array_equal(third.of("Cardiomegaly"), [[100.5, 200, 300, 400]])


def test_vinbigdata_s_column_order_and_spelling_are_read_too(tmp_path):
    text = "image_id,class_name,class_id,rad_ID,x_min,y_min,x_max,y_max\nx,Edema,3,R9,1,2,3,4\n"
    (record,) = read_vindr(write(tmp_path, text))
    assert (record.labels, record.readers) == (("Edema",), ("R9",))


def test_the_consensus_table_has_no_readers(tmp_path):
    (record,) = read_vindr(write(tmp_path, "image_id,class_name,x_min,y_min,x_max,y_max\nx,Edema,1,2,3,4\n"))
    assert record.readers == ("",)


def test_a_bad_box_raises_with_its_line_or_is_dropped_and_listed(tmp_path):
    path = write(tmp_path, TRAIN + "d,R1,Edema,50,20,30,40\n")
    with pytest.raises(InputError, match=r"line 7: box \(50, 20, 30, 40\) has no area"):
        read_vindr(path)
    annotations = read_vindr(path, bad_boxes="drop")
    assert annotations.box_count == 3
    assert len(annotations) == 4
    assert "line 7" in annotations.dropped[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image_id,class_name,x_min,y_min,x_max\n", "has no column y_max"),
        ("", "no header"),
        (TRAIN.splitlines()[0] + "\n", "lists no image"),
        (TRAIN.splitlines()[0] + "\na,R1,Edema,10,2", "is cut off"),
        (TRAIN + "e,R1,Edema,one,2,3,4\n", "are not numbers"),
        (TRAIN + "e,R1,Edema,,2,3,4\n", "has no area"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_it(text, message, tmp_path):
    with pytest.raises(InputError, match=message):
        read_vindr(write(tmp_path, text))


def test_a_folder_and_a_missing_file_are_named(tmp_path):
    for path in (tmp_path, tmp_path / "absent.csv"):
        with pytest.raises(InputError, match="cannot be read"):
            read_vindr(path)
