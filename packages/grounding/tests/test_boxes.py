import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.grounding.boxes import area, as_boxes, clip, iou_matrix, paired_iou


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
