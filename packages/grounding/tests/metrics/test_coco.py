from dataclasses import replace

import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.grounding.metrics import coco_ap

NAMES = ("a", "b", "c")


def test_a_perfect_answer_has_ap_one(cases):
    perfect = [
        replace(case, boxes=case.targets, classes=case.target_classes, scores=np.ones(len(case.targets)))
        for case in cases
    ]
    result = coco_ap(perfect, NAMES)
    assert (result.mean, result.at_50, result.at_75, result.recall) == pytest.approx((1, 1, 1, 1))


def test_a_class_without_a_true_box_is_nan_and_left_out_of_the_mean(cases):
    result = coco_ap(cases, (*NAMES, "never"))
    assert np.isnan(result.per_class["never"])
    assert result.at_50 == pytest.approx(np.mean([result.per_class[name] for name in NAMES]))
    assert result.at_50 == pytest.approx(coco_ap(cases, NAMES).at_50)


def test_repeating_every_box_lowers_ap(cases):
    doubled = [
        replace(
            case,
            boxes=np.repeat(case.boxes, 2, axis=0),
            classes=np.repeat(case.classes, 2),
            scores=np.repeat(case.scores, 2),
        )
        for case in cases
    ]
    assert coco_ap(doubled, NAMES).at_50 < coco_ap(cases, NAMES).at_50


def test_a_model_that_says_nothing_has_ap_zero(cases):
    silent = [replace(case, boxes=np.zeros((0, 4)), classes=np.zeros(0, int), scores=np.zeros(0)) for case in cases]
    assert coco_ap(silent, NAMES).mean == 0


def test_what_cannot_be_measured_is_refused(cases):
    empty = [case for case in cases if not len(case.targets)]
    with pytest.raises(InputError, match="has a true box"):
        coco_ap(empty, NAMES)
    case = next(case for case in cases if len(case.boxes) and len(case.targets))
    with pytest.raises(InputError, match="not finite"):
        coco_ap([replace(case, scores=np.full(len(case.boxes), np.nan))], NAMES)
