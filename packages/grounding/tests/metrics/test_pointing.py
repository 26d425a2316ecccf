import numpy as np
import pytest

from medsuite.grounding.boxes import iou_matrix
from medsuite.grounding.metrics import (
    Case,
    found,
    found_interval,
    pointing_hits,
    pointing_interval,
    rodeo,
    rodeo_interval,
)


def case(targets, boxes, scores=None, target_classes=None, classes=None):
    targets, boxes = np.array(targets, float).reshape(-1, 4), np.array(boxes, float).reshape(-1, 4)
    zero = [0] * len(targets), [0] * len(boxes)
    return Case(
        "x",
        targets,
        np.array(zero[0] if target_classes is None else target_classes, int),
        boxes,
        np.array(zero[1] if classes is None else classes, int),
        np.ones(len(boxes)) if scores is None else np.array(scores),
    )


def test_only_the_best_box_of_a_class_plays():
    here, there = [0, 0, 10, 10], [50, 50, 60, 60]
    assert pointing_hits([case([here], [there, here], [0.2, 0.9])]).tolist() == [[1, 1]]
    assert pointing_hits([case([here], [there, here], [0.9, 0.2])]).tolist() == [[0, 1]]


def test_pointing_needs_the_centre_inside_and_finding_needs_the_overlap():
    small = case([[0, 0, 40, 40]], [[15, 15, 25, 25]])
    assert pointing_hits([small]).tolist() == [[1, 1]]
    assert found([small]).tolist() == [[0, 1]]
    assert found([small], iou=0.05).tolist() == [[1, 1]]


def test_each_class_of_an_image_is_a_query_and_silence_is_no_hit():
    image = case([[0, 0, 9, 9], [0, 0, 9, 9], [30, 30, 40, 40]], [[0, 0, 9, 9]], None, [1, 1, 2], [1])
    assert found([image, case([], [[0, 0, 1, 1]])]).tolist() == [[1, 2], [0, 0]]


def test_found_equals_its_wording(cases):
    for image, (hits, queries) in zip(cases, found(cases), strict=True):
        asked = set(image.target_classes.tolist())
        won = 0
        for label in asked:
            mine = [(s, b) for s, b, c in zip(image.scores, image.boxes, image.classes, strict=True) if c == label]
            best = max(mine, key=lambda pair: pair[0])[1] if mine else np.zeros(4)
            won += iou_matrix(best[None], image.targets[image.target_classes == label]).max() >= 0.5
        assert (hits, queries) == (won, len(asked))


@pytest.mark.parametrize("interval", [pointing_interval, found_interval, lambda c, rng: rodeo_interval(c, 3, rng)])
def test_an_interval_encloses_its_estimate_and_counts_images(interval, cases, rng):
    result = interval(cases, rng)
    assert result.low < result.estimate < result.high
    asked = sum(len(case.targets) > 0 for case in cases)
    assert result.n == (asked if interval in (pointing_interval, found_interval) else len(cases))


@pytest.mark.parametrize("interval", [pointing_interval, found_interval, lambda c, rng: rodeo_interval(c, 1, rng)])
def test_one_image_has_an_estimate_and_no_interval(interval, rng):
    result = interval([case([[0, 0, 10, 10]], [[0, 0, 10, 10]])], rng)
    assert result.estimate == pytest.approx(1, abs=1e-5)
    assert np.isnan([result.low, result.high]).all()
    assert result.method == "1 image gives no interval"


def test_the_estimates_are_those_of_all_images(cases, rng):
    hits, queries = pointing_hits(cases).sum(axis=0)
    assert pointing_interval(cases, rng).estimate == pytest.approx(hits / queries)
    assert rodeo_interval(cases, 3, rng).estimate == pytest.approx(rodeo(cases, 3).total)
