from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from medsuite.core.errors import InputError
from medsuite.grounding.metrics import Case, rodeo
from medsuite.grounding.metrics.rodeo import class_weight, parts_of


def answered(case, boxes, classes):
    return replace(case, boxes=boxes, classes=classes, scores=np.ones(len(boxes)))


def test_a_perfect_answer_scores_one(cases):
    perfect = [answered(case, case.targets, case.target_classes) for case in cases]
    result = rodeo(perfect, 3)
    assert (result.localization, result.shape, result.classification) == pytest.approx((1, 1, 1))
    assert result.total == pytest.approx(1, abs=1e-5)
    assert result.extra == result.missed == 0


def test_a_shift_by_the_target_s_width_halves_localisation_and_leaves_shape(cases):
    shifted = []
    for case in cases:
        step = np.zeros_like(case.targets)
        step[:, [0, 2]] = (case.targets[:, 2] - case.targets[:, 0])[:, None]
        shifted.append(answered(case, case.targets + step, case.target_classes))
    alone = [case for case in shifted if len(case.targets) == 1]
    result = rodeo(alone, 3)
    assert result.localization == pytest.approx(0.5)
    assert result.shape == pytest.approx(1)


def test_scale_and_order_of_boxes_do_not_matter(cases, rng):
    expected = rodeo(cases, 3)
    changed = []
    for case in cases:
        order = rng.permutation(len(case.boxes))
        changed.append(
            replace(case, boxes=7 * case.boxes[order], classes=case.classes[order], targets=7 * case.targets)
        )
    assert rodeo(changed[::-1], 3).total == pytest.approx(expected.total)


def test_an_image_without_an_answer_counts_as_missed_and_lowers_every_part(cases):
    silent = [answered(case, np.zeros((0, 4)), np.zeros(0, int)) for case in cases]
    assert rodeo(silent, 3).total == 0
    both = rodeo([*cases, *silent], 3)
    alone = rodeo(cases, 3)
    assert both.missed == alone.missed + sum(len(case.targets) for case in cases)
    assert both.localization < alone.localization


def test_the_closed_form_of_the_class_correlation_equals_scikit_learn_s(rng):
    for _ in range(20):
        count, classes = int(rng.integers(1, 30)), int(rng.integers(2, 6))
        true, said = rng.integers(0, classes, (2, count))
        one_hot = np.eye(classes, dtype=int)
        expected = max(0.0, matthews_corrcoef(one_hot[said].ravel(), one_hot[true].ravel()))
        sums = np.array([[0, 0, (true == said).sum(), count, 0, 0]], dtype=float)
        assert parts_of(sums, classes)[0, 2] == pytest.approx(expected, abs=1e-12)


def test_one_class_is_allowed_and_counts_every_match_as_right(cases):
    single = [replace(case, classes=0 * case.classes, target_classes=0 * case.target_classes) for case in cases]
    result = rodeo(single, 1)
    assert result.classification == pytest.approx(result.matched / (result.matched + result.extra + result.missed))


def test_matching_prefers_the_right_class_when_boxes_tie():
    box = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10]])
    tied = Case("x", box, np.array([0, 1]), box, np.array([1, 0]), np.ones(2))
    other = Case("y", box[:1], np.array([0]), box[:1], np.array([0]), np.ones(1))
    assert rodeo([tied, other], 2).classification == 1


def test_nothing_to_measure_is_refused(cases):
    with pytest.raises(InputError, match="at least one of each"):
        rodeo([], 2)
    assert class_weight([answered(case, np.zeros((0, 4)), np.zeros(0, int)) for case in cases], 3) == 0
