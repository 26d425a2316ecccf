import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.grounding.florence import parse

SIZE = (1000, 500)
BOX = "<loc_100><loc_200><loc_300><loc_400>"


def test_every_label_stands_for_the_boxes_that_follow_it():
    parsed = parse(
        f"</s><s>opacité{BOX}<loc_0><loc_0><loc_999><loc_999>edema<loc_1><loc_2><loc_3><loc_4></s><pad>", SIZE
    )
    assert parsed.labels == ("opacité", "opacité", "edema")
    np.testing.assert_allclose(parsed.boxes[:2], [[100.5, 100.25, 300.5, 200.25], [0.5, 0.25, 999.5, 499.75]])
    assert parsed.groups == (0, 1, 2)
    assert parsed.issues == ()


@pytest.mark.parametrize(
    ("text", "issue", "kept"),
    [
        (f"a{BOX}<loc_5>", "no multiple of four", 1),
        ("a<loc_1><loc_2><loc_3>", "no multiple of four", 0),
        ("a<loc_300><loc_2><loc_100><loc_4>", "far edge before the near one", 0),
        ("a<loc_1><loc_2><loc_1000><loc_4>", "bin 1000, beyond 999", 0),
        (f"a{BOX}{BOX}", "repeats an earlier one", 1),
        (f"a{BOX}and so on", "'and so on' has no location", 1),
        (f"a{BOX}b<loc_{'9' * 5000}>", "has no location", 1),
    ],
)
def test_what_is_no_box_is_left_out_with_an_issue(text, issue, kept):
    parsed = parse(text, SIZE)
    assert len(parsed.boxes) == kept
    assert len(parsed.issues) == 1
    assert issue in parsed.issues[0]


def test_the_same_box_of_another_label_is_no_repetition():
    assert parse(f"a{BOX}b{BOX}", SIZE).labels == ("a", "b")


@given(text=st.text(alphabet="ab<>loc_/s0123456789 ", max_size=60))
def test_any_text_is_parsed_into_boxes_with_an_area(text):
    parsed = parse(text, SIZE)
    assert len(parsed.labels) == len(parsed.boxes) == len(parsed.groups)
    assert (parsed.boxes[:, 2:] > parsed.boxes[:, :2]).all()


def test_boxes_equal_those_of_the_post_processor_of_transformers_on_a_big_image(tiny):
    text, size = f"lung cyst{BOX}edema<loc_7><loc_8><loc_900><loc_901>", (4000, 4000)
    peer = tiny.processor.post_process_generation(text, task="<CAPTION_TO_PHRASE_GROUNDING>", image_size=size)
    expected = peer["<CAPTION_TO_PHRASE_GROUNDING>"]
    ours = parse(text, size)
    assert list(ours.labels) == expected["labels"]
    np.testing.assert_allclose(ours.boxes, expected["bboxes"], atol=1)
