import csv
import gzip

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


NAME = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=8)
EDGE = st.floats(0, 3000).map(lambda value: round(value, 3))
ROW = st.tuples(NAME, NAME, NAME, EDGE, EDGE, st.floats(2, 500), st.floats(2, 500))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(ROW, min_size=1, max_size=12),
    order=st.permutations(["image_id", "rad_id", "class_name", "x_min", "y_min", "x_max", "y_max", "width"]),
    newline=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_any_legal_csv_gives_its_rows_back_image_by_image(tmp_path, rows, order, newline, encoding, quoting):
    path = tmp_path / "any.csv"
    expected = {}
    with path.open("w", encoding=encoding, newline="") as file:
        table = csv.DictWriter(file, order, lineterminator=newline, quoting=quoting)
        table.writeheader()
        for image, reader, label, x, y, width, height in rows:
            box = [x, y, x + width, y + height]
            edges = dict(zip(("x_min", "y_min", "x_max", "y_max"), map(repr, box), strict=True))
            table.writerow({"image_id": image, "rad_id": reader, "class_name": label, "width": "9", **edges})
            mine = expected.setdefault(image.removeprefix("vindrcxr/"), [])
            if label.lower() != "no finding":
                mine.append((label, reader, box))
    read = read_vindr(path)
    assert [record.image_id for record in read] == list(expected)
    for record in read:
        labels, readers, boxes = zip(*expected[record.image_id], strict=True)
        assert (record.labels, record.readers) == (labels, readers)
        np.testing.assert_array_equal(record.boxes, boxes)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TRAIN + ",R1,Edema,1,2,3,4\n", "line 7 has no image_id"),
        (TRAIN + "e,R1, ,1,2,3,4\n", "line 7 has no class_name"),
        (TRAIN.splitlines()[0] + "\na,R1,Edema,0.1,0.2,0.9,1.0\n", "as in unit coordinates"),
        (TRAIN.splitlines()[0] + '\n"' + "x" * 200_000 + '",R1,Edema,1,2,3,4\n', "cannot be read"),
    ],
)
def test_rows_that_mean_nothing_are_refused_and_named(text, message, tmp_path):
    with pytest.raises(InputError, match=message):
        read_vindr(write(tmp_path, text))


def test_a_file_of_another_sort_does_not_fill_the_screen(tmp_path):
    with pytest.raises(InputError, match=r"found: x x.* \.\.\.\)") as error:
        read_vindr(write(tmp_path, "x " * 20_000))
    assert len(str(error.value)) < 500


def test_no_finding_is_no_class_however_it_is_written(tmp_path):
    (record,) = read_vindr(write(tmp_path, TRAIN.splitlines()[0] + "\na,R1,No Finding,,,,\n"))
    assert record.labels == ()


def test_a_compressed_table_is_read_and_a_cut_one_or_another_encoding_refused(tmp_path):
    path, packed = tmp_path / "other.csv", gzip.compress(TRAIN.encode())
    path.write_bytes(packed)
    assert read_vindr(path).box_count == 3
    broken = bytearray(packed)
    broken[20] ^= 255
    for content in (packed[:-20], bytes(broken), TRAIN.encode("utf-16")):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"other\.csv cannot be read"):
            read_vindr(path)


def test_a_folder_and_a_missing_file_are_named(tmp_path):
    for path in (tmp_path, tmp_path / "absent.csv"):
        with pytest.raises(InputError, match="cannot be read"):
            read_vindr(path)
