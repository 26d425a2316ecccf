import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from medsuite.core.errors import InputError
from medsuite.grounding.metrics import Case, rodeo
from medsuite.grounding.metrics.rodeo import class_weight, parts_of


def answered(case, boxes, classes):
    return replace(case, boxes=boxes, classes=classes, scores=np.ones(len(boxes)))


def slow_giou(a, b):
    width, height = (min(a[i + 2], b[i + 2]) - max(a[i], b[i]) for i in (0, 1))
    common = max(width, 0) * max(height, 0)
    union = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)) - common
    hull = math.prod(max(a[i + 2], b[i + 2]) - min(a[i], b[i]) for i in (0, 1))
    return common / union - (hull - union) / hull


def slow_matches(case, weight):
    """Try every way to pair boxes with targets, and take the one of the largest sum of GIoU + weight [same class]."""
    few = min(len(case.boxes), len(case.targets))
    best, chosen = -math.inf, []
    for boxes in itertools.permutations(range(len(case.boxes)), few):
        for targets in itertools.combinations(range(len(case.targets)), few):
            pairs = list(zip(boxes, targets, strict=True))
            gain = sum(
                slow_giou(case.boxes[b], case.targets[t]) + weight * (case.classes[b] == case.target_classes[t])
                for b, t in pairs
            )
            if gain > best:
                best, chosen = gain, pairs
    return chosen


def slow_rodeo(cases, classes):
    """The paper's definition, image by image, box by box."""
    present = [[[label in side for label in range(classes)] for side in (case.target_classes, case.classes)]
               for case in cases]  # fmt: skip
    true, said = (np.array([row[side] for row in present]).ravel() for side in (0, 1))
    weight = max(0.0, matthews_corrcoef(true, said)) if true.std() * said.std() > 0 else 0.0
    place, shape, pairs, unmatched = [], [], [], 0
    for case in cases:
        chosen = slow_matches(case, weight)
        unmatched += len(case.boxes) + len(case.targets) - 2 * len(chosen)
        for b, t in chosen:
            box, target = case.boxes[b], case.targets[t]
            size = [(target[i + 2] - target[i], box[i + 2] - box[i]) for i in (0, 1)]
            off = sum(((target[i] + target[i + 2] - box[i] - box[i + 2]) / 2 / size[i][0]) ** 2 for i in (0, 1))
            place.append(math.exp(-math.log(2) * off))
            common = min(size[0]) * min(size[1])
            shape.append(common / (size[0][0] * size[1][0] + size[0][1] * size[1][1] - common))
            pairs.append((case.target_classes[t], case.classes[b]))
    share = len(pairs) / (len(pairs) + unmatched)
    one_hot = np.eye(classes, dtype=int)
    agree = matthews_corrcoef(*(one_hot[list(side)].ravel() for side in zip(*pairs, strict=True)))
    parts = [np.mean(place) * share, np.mean(shape) * share, max(0.0, agree) * share]
    return parts, 3 / sum(1 / (part + 1e-6) for part in parts)


@pytest.mark.parametrize("classes", [2, 4])
def test_rodeo_equals_its_definition_with_every_pairing_tried(classes, rng, random_case):
    for _ in range(8):
        cases = [random_case(rng, str(number), classes, most=3) for number in range(12)]
        parts, total = slow_rodeo(cases, classes)
        made = rodeo(cases, classes)
        assert (made.localization, made.shape, made.classification) == pytest.approx(parts, abs=1e-9)
        assert made.total == pytest.approx(total, abs=1e-9)


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
