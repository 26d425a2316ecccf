import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.grounding.boxes import area, as_boxes, clip, iou_matrix, paired_iou, refuse_unit_boxes


def iou_by_counting(first, second, side=60):
    """Count the unit pixels that each integer box covers."""

    def cover(box):
        grid = np.zeros((side, side), dtype=bool)
        grid[box[1] : box[3], box[0] : box[2]] = True
        return grid

    a, b = cover(first), cover(second)
    return (a & b).sum() / (a | b).sum()


def test_iou_equals_counting_pixels(rng, random_boxes):
    first, second = (random_boxes(rng, 12, 50.0).round().astype(int) for _ in range(2))
    expected = [[iou_by_counting(a, b) for b in second] for a in first]
    np.testing.assert_allclose(iou_matrix(first.astype(float), second.astype(float)), expected)
    np.testing.assert_allclose(paired_iou(first.astype(float), second.astype(float)), np.diag(expected))


CORNER = st.floats(-500, 500)
BOX = st.tuples(CORNER, CORNER, st.floats(0.1, 300), st.floats(0.1, 300)).map(
    lambda box: np.array([[box[0], box[1], box[0] + box[2], box[1] + box[3]]])
)


@given(BOX, BOX, st.floats(0.1, 50), CORNER)
def test_iou_does_not_know_unit_origin_or_order(first, second, scale, shift):
    overlap = iou_matrix(first, second)
    assert 0 <= overlap <= 1
    np.testing.assert_allclose(iou_matrix(second, first), overlap)
    np.testing.assert_allclose(iou_matrix(scale * first + shift, scale * second + shift), overlap, atol=1e-6)
    np.testing.assert_allclose(iou_matrix(first, first), 1)


def test_a_file_of_unit_coordinates_is_refused_and_a_small_box_among_pixels_is_not():
    unit, pixels = np.array([[0.1, 0.2, 0.9, 1.0]]), np.array([[3.0, 4, 30, 40]])
    with pytest.raises(InputError, match=r"answers\.json: no edge of its 2 boxes lies beyond 1, as in unit"):
        refuse_unit_boxes([unit, unit], where="answers.json")
    refuse_unit_boxes([unit, pixels], where="answers.json")
    refuse_unit_boxes([], where="answers.json")
    refuse_unit_boxes([np.zeros((0, 4))], where="answers.json")


def test_an_empty_box_overlaps_nothing():
    nothing = np.zeros((1, 4))
    assert area(nothing) == 0
    assert paired_iou(nothing, nothing) == 0


def test_clipping_cuts_at_the_edges_of_the_image():
    assert clip(np.array([[-5.0, 2, 30, 40]]), (20, 10)).tolist() == [[0, 2, 20, 10]]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[1, 2, 3]], "rows of x1"),
        ([[3, 2, 1, 4]], "has no area"),
        ([[1, 2, float("nan"), 4]], "has no area"),
        ([["a", 2, 3, 4]], "are not numbers"),
    ],
)
def test_a_bad_box_is_refused_with_the_place_it_comes_from(values, message):
    with pytest.raises(InputError, match=message) as caught:
        as_boxes(values, where="file.csv line 3")
    assert str(caught.value).startswith("file.csv line 3")


def test_no_box_is_an_empty_array():
    assert as_boxes([], where="nowhere").shape == (0, 4)
