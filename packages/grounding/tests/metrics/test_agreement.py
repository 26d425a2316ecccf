import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.grounding import evaluate
from medsuite.grounding.data import Annotations, Record, fuse_readers
from medsuite.grounding.metrics import between_readers


def record(image, *rows):
    labels, readers, boxes = zip(*rows, strict=True) if rows else ((), (), ())
    return Record(image, labels, np.array(boxes, float).reshape(-1, 4), readers, (1,) * len(rows))


HERE, NEAR, FAR = [0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]


def test_the_first_two_readers_of_each_finding_are_truth_and_prediction():
    annotations = Annotations(
        (
            record("a", ("cyst", "R2", HERE), ("cyst", "R1", NEAR), ("edema", "R1", FAR), ("cyst", "R1", FAR)),
            record("b", ("cyst", "R1", HERE), ("cyst", "R1", FAR)),
            record("c", ("edema", "R3", HERE), ("edema", "R1", HERE), ("edema", "R2", FAR)),
            record("d"),
        )
    )
    truth, answers = between_readers(annotations)
    assert [each.image_id for each in truth] == [each.image_id for each in answers] == ["a", "c"]
    first, third = truth
    assert (first.labels, first.readers, first.boxes.tolist()) == (("cyst",), ("R2",), [HERE])
    assert (answers[0].labels, answers[0].boxes.tolist()) == (("cyst", "cyst"), [NEAR, FAR])
    assert (third.readers, answers[1].boxes.tolist()) == (("R3",), [HERE])


def test_readers_who_agree_score_one_and_those_who_never_meet_score_zero():
    same = [record(str(n), ("cyst", "R1", HERE), ("cyst", "R2", HERE)) for n in range(4)]
    apart = [record(str(n), ("cyst", "R1", HERE), ("cyst", "R2", FAR)) for n in range(4)]
    assert evaluate(*between_readers(Annotations(tuple(same)))).coco.mean == pytest.approx(1)
    assert evaluate(*between_readers(Annotations(tuple(apart)))).coco.at_50 == 0


def test_fused_boxes_have_no_readers_to_compare():
    annotations = Annotations((record("a", ("cyst", "R1", HERE), ("cyst", "R2", NEAR)),))
    with pytest.raises(InputError, match="none of 1 images has a finding that two readers marked"):
        between_readers(fuse_readers(annotations))
