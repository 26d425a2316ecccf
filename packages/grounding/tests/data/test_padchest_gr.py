import json

import numpy as np
import pytest
from PIL import Image

from medsuite.core.errors import InputError
from medsuite.grounding.data import read_padchest_gr
from medsuite.grounding.data.open import open_annotations

FINDINGS = [
    {"sentence_en": "Cardiomegaly.", "abnormal": True, "labels": ["cardiomegaly"], "boxes": [[0.25, 0.5, 0.75, 1.0]]},
    {"sentence_en": "Nodules in both lungs", "labels": [], "boxes": [[0, 0, 0.1, 0.1], [0.5, 0, 0.6, 0.2]]},
    {"sentence_en": "No effusion.", "abnormal": False, "labels": ["normal"], "boxes": []},
]
ENTRIES = [{"StudyID": "s", "ImageID": "one.png", "findings": FINDINGS}, {"ImageID": "two.png", "findings": []}]
SIZES = {"one.png": (200, 100), "two.png": (50, 50)}


def write(tmp_path, content):
    path = tmp_path / "grounded_reports.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_boxes_are_scaled_to_pixels_and_named_by_label_or_sentence(tmp_path):
    one, two = read_padchest_gr(write(tmp_path, ENTRIES), SIZES)
    np.testing.assert_allclose(one.of("cardiomegaly"), [[50, 50, 150, 100]])
    np.testing.assert_allclose(one.of("Nodules in both lungs"), [[0, 0, 20, 10], [100, 0, 120, 20]])
    assert "normal" not in one.labels
    assert two.labels == ()


def test_sizes_are_read_from_the_images(tmp_path):
    for name, size in SIZES.items():
        Image.new("L", size).save(tmp_path / name)
    annotations = open_annotations(write(tmp_path, ENTRIES), "padchest-gr", images=tmp_path)
    np.testing.assert_allclose(annotations.records[0].of("cardiomegaly"), [[50, 50, 150, 100]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[{", "cannot be read"),
        ({"ImageID": "one.png"}, "holds a dict"),
        ([], "lists no image"),
        ([{"findings": []}], "entry 0 has no ImageID"),
        ([{"ImageID": "one.png"}], "has no findings"),
        ([{"ImageID": "three.png", "findings": []}], "three.png has no size"),
        ([{"ImageID": "one.png", "findings": [{"sentence_en": "x", "boxes": [[5, 5, 90, 90]]}]}], "leaves the image"),
        ([{"ImageID": "one.png", "findings": [{"boxes": []}]}], "has no sentence_en"),
    ],
)
def test_a_wrong_file_is_one_line_that_names_the_entry(content, message, tmp_path):
    with pytest.raises(InputError, match=message):
        read_padchest_gr(write(tmp_path, content), SIZES)


def one(**finding):
    return [{"ImageID": "one.png", "findings": [{"sentence_en": "x", "boxes": [], **finding}]}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([*ENTRIES, ENTRIES[0]], "image one.png is there twice"),
        (one(labels="nodule"), "labels are 'nodule'; expected a list"),
        (one(boxes=[[0.1, 0.2, 0.3]]), r"box \[0.1, 0.2, 0.3\]; expected x1, y1, x2, y2"),
        (one(boxes=[0.1, 0.2, 0.3, 0.4]), "box 0.1"),
        (one(boxes=[[0.1, 0.2, None, 0.4]]), "has no area|are not numbers"),
        (one(boxes=[[0.5, 0.2, 0.4, 0.4]]), "has no area"),
        (one(boxes=[[-0.1, 0.2, 0.4, 0.4]]), "leaves the image"),
        (one(boxes=None), "has no boxes"),
        ([None], "entry 0 has no ImageID"),
        ([{"ImageID": "one.png", "findings": ["x"]}], "has no sentence_en"),
    ],
)
def test_an_entry_of_another_layout_is_refused_and_named(content, message, tmp_path):
    with pytest.raises(InputError, match=message):
        read_padchest_gr(write(tmp_path, content), SIZES)


def test_bad_boxes_are_dropped_once_each_and_listed_if_that_is_wanted(tmp_path):
    boxes = [[0.5, 0.2, 0.4, 0.4], [0, 0, 0.5, 0.5], [0, 0, 5, 5]]
    path = write(tmp_path, one(labels=["nodule", "mass"], boxes=boxes))
    annotations = read_padchest_gr(path, SIZES, bad_boxes="drop")
    assert annotations.records[0].labels == ("nodule", "mass")
    np.testing.assert_allclose(annotations.records[0].boxes, [[0, 0, 100, 50]] * 2)
    assert len(annotations.dropped) == 2
    assert all("one.png" in line for line in annotations.dropped)


def test_a_byte_order_mark_and_accents_are_read(tmp_path):
    path = tmp_path / "grounded_reports.json"
    entries = one(sentence_en="Opacité", boxes=[[0, 0, 0.5, 0.5]])
    path.write_text(json.dumps(entries, ensure_ascii=False), encoding="utf-8-sig")
    assert read_padchest_gr(path, SIZES).labels == ("Opacité",)


def test_a_missing_image_or_folder_is_named(tmp_path):
    path = write(tmp_path, ENTRIES)
    with pytest.raises(InputError, match=r"one\.png: cannot be opened"):
        open_annotations(path, "padchest-gr", images=tmp_path)
    with pytest.raises(InputError, match="--images"):
        open_annotations(path, "padchest-gr")
    with pytest.raises(InputError, match="did you mean 'vindr'"):
        open_annotations(path, "vinder")
