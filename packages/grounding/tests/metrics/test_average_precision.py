"""Average precision under weights against COCO's own evaluator, run anew on images that are really repeated."""

from dataclasses import replace

import numpy as np
import pytest

from medsuite.grounding.metrics import Case, ap_interval, coco_ap
from medsuite.grounding.metrics.average_precision import mean_weighted_ap, ranked_boxes, weighted_ap

NAMES = ("a", "b", "c")


def many(rng, random_case, count=30):
    return [random_case(rng, str(number), len(NAMES)) for number in range(count)]


@pytest.mark.parametrize("iou", [0.5, 0.75])
def test_with_every_image_once_it_is_coco_ap(iou, rng, random_case):
    for _ in range(5):
        cases = many(rng, random_case)
        ranked = [ranked_boxes(cases, label, iou) for label in range(len(NAMES))]
        made = mean_weighted_ap(ranked, np.ones((1, len(cases))))[0]
        expected = coco_ap(cases, NAMES)
        assert made == pytest.approx(expected.at_50 if iou == 0.5 else expected.at_75, abs=1e-9)
        if iou == 0.5:
            for each, name in zip(ranked, NAMES, strict=True):
                assert weighted_ap(each, np.ones((1, len(cases))))[0] == pytest.approx(expected.per_class[name])


def test_a_weight_is_that_many_copies_of_the_image(rng, random_case):
    cases = many(rng, random_case)
    ranked = [ranked_boxes(cases, label, 0.5) for label in range(len(NAMES))]
    for _ in range(10):
        weights = rng.multinomial(len(cases), np.full(len(cases), 1 / len(cases)))
        copies = [case for case, times in zip(cases, weights, strict=True) for _ in range(times)]
        expected = coco_ap(copies, NAMES).at_50
        assert mean_weighted_ap(ranked, weights[None].astype(float))[0] == pytest.approx(expected, abs=1e-9)


def test_a_class_that_the_weights_do_not_show_is_left_out():
    box = np.array([[0.0, 0, 9, 9]])
    cases = [Case(str(n), box, np.array([n]), box, np.array([n]), np.ones(1)) for n in range(2)]
    cases[1] = replace(cases[1], boxes=box + 50)
    ranked = [ranked_boxes(cases, label, 0.5) for label in range(2)]
    weights = np.array([[1.0, 1], [1, 0], [0, 1]])
    assert mean_weighted_ap(ranked, weights).tolist() == [0.5, 1, 0]
    assert np.isnan(weighted_ap(ranked[0], weights)[2])


def test_more_than_a_hundred_boxes_of_a_class_do_not_count():
    target = np.array([[0.0, 0, 9, 9]])
    far = np.tile([[50.0, 50, 60, 60]], (100, 1))
    scores = np.linspace(1, 0.5, 101)
    case = Case("x", target, np.zeros(1, int), np.concatenate([far, target]), np.zeros(101, int), scores)
    assert weighted_ap(ranked_boxes([case], 0, 0.5), np.ones((1, 1)))[0] == coco_ap([case], ["a"]).at_50 == 0


def test_the_interval_encloses_its_estimate_and_counts_images(cases, rng):
    interval = ap_interval(cases, 3, rng)
    assert interval.low < interval.estimate < interval.high
    assert interval.estimate == pytest.approx(coco_ap(cases, NAMES).at_50)
    assert interval.n == len(cases)


def test_images_without_a_target_are_drawn_apart_so_that_there_is_always_something_to_find(cases, rng):
    alone = next(case for case in cases if len(case.targets))
    empty = [replace(case, targets=np.zeros((0, 4)), target_classes=np.zeros(0, int)) for case in cases[:9]]
    interval = ap_interval([alone, *empty], 3, rng)
    assert 0 <= interval.low <= interval.estimate <= interval.high <= 1


def test_a_perfect_answer_has_no_width(cases, rng):
    perfect = [
        replace(case, boxes=case.targets, classes=case.target_classes, scores=np.ones(len(case.targets)))
        for case in cases
    ]
    assert ap_interval(perfect, 3, rng).ends == pytest.approx((1, 1, 1))
