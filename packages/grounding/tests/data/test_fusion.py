import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.grounding.boxes import iou_matrix
from medsuite.grounding.data import Annotations, Record, fuse_boxes, fuse_readers


def fuse_slowly(boxes, weights, iou):
    """Weighted boxes fusion as its paper words it: clusters of members, each with a recomputed weighted mean."""
    clusters = []
    for box, weight in sorted(zip(boxes.tolist(), weights.tolist(), strict=True), key=lambda pair: -pair[1]):
        means = [np.average([b for b, _ in cluster], axis=0, weights=[w for _, w in cluster]) for cluster in clusters]
        overlaps = [iou_matrix(mean[None], np.array([box]))[0, 0] for mean in means]
        if overlaps and max(overlaps) > iou:
            clusters[int(np.argmax(overlaps))].append((box, weight))
        else:
            clusters.append([(box, weight)])
    return np.array([np.average([b for b, _ in c], axis=0, weights=[w for _, w in c]) for c in clusters])


@pytest.mark.parametrize("iou", [0.0, 0.1, 0.4])
def test_fusion_equals_its_wording(iou, rng, random_boxes):
    for _ in range(20):
        boxes, weights = random_boxes(rng, 9), rng.permutation(9) + 1.0
        np.testing.assert_allclose(fuse_boxes(boxes, iou=iou, weights=weights)[0], fuse_slowly(boxes, weights, iou))


@given(
    st.lists(st.tuples(*[st.floats(0, 80)] * 2, *[st.floats(1, 60)] * 2), min_size=1, max_size=10), st.floats(0, 0.9)
)
def test_fusion_loses_no_box_and_stays_within_them(rows, iou):
    boxes = np.array([[x, y, x + width, y + height] for x, y, width, height in rows])
    fused, cluster = fuse_boxes(boxes, iou=iou)
    assert sorted(set(cluster.tolist())) == list(range(len(fused)))
    for number, box in enumerate(fused):
        members = boxes[cluster == number]
        np.testing.assert_allclose(box, members.mean(axis=0), atol=1e-9)
        assert (box[2:] > box[:2]).all()


def test_distinct_weights_make_the_order_of_the_readers_irrelevant(rng, random_boxes):
    boxes, weights = random_boxes(rng, 8), np.arange(1.0, 9.0)
    order = rng.permutation(8)
    first, cluster = fuse_boxes(boxes, iou=0.3, weights=weights)
    again, shuffled = fuse_boxes(boxes[order], iou=0.3, weights=weights[order])
    np.testing.assert_allclose(first, again)
    np.testing.assert_array_equal(cluster[order], shuffled)


def test_two_readers_who_agree_become_one_box_halfway_with_the_support_of_both():
    boxes = np.array([[10.0, 10, 30, 30], [12, 10, 32, 30], [60, 60, 70, 70], [10, 10, 30, 30]])
    record = Record("a", ("cyst", "cyst", "cyst", "edema"), boxes, ("R1", "R2", "R2", "R1"), (1, 1, 1, 1))
    (fused,) = fuse_readers(Annotations((record,)), iou=0.4)
    assert fused.of("cyst").tolist() == [[11, 10, 31, 30], [60, 60, 70, 70]]
    assert fused.of("edema").tolist() == [[10, 10, 30, 30]]
    assert fused.support == (2, 1, 1)


def test_one_reader_who_draws_twice_supports_once():
    boxes = np.array([[10.0, 10, 30, 30], [11, 10, 31, 30]])
    (fused,) = fuse_readers(Annotations((Record("a", ("cyst",) * 2, boxes, ("R1", "R1"), (1, 1)),)))
    assert fused.support == (1,)


def test_no_boxes_fuse_to_none_and_a_threshold_has_to_be_an_iou():
    assert fuse_boxes(np.zeros((0, 4)), iou=0.5)[0].shape == (0, 4)
    with pytest.raises(InputError, match="fusion at IoU 1"):
        fuse_boxes(np.zeros((0, 4)), iou=1)
    for weights in (np.array([0.0]), np.array([-1.0]), np.array([np.nan])):
        with pytest.raises(InputError, match="a positive one for each box"):
            fuse_boxes(np.array([[0.0, 0, 1, 1]]), iou=0.5, weights=weights)
