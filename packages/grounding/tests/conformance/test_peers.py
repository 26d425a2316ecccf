"""The measures against the packages that others use."""

from dataclasses import replace

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from medsuite.grounding.metrics import coco_ap, rodeo
from medsuite.grounding.metrics.coco import _answers, _truth


@pytest.fixture
def authors_rodeo(monkeypatch):
    """The authors' package: scikit-learn now returns a plain float, on which it calls NumPy's clip."""
    from rodeo import rodeo as module

    plain = module.matthews_corrcoef
    monkeypatch.setattr(module, "matthews_corrcoef", lambda *arguments: np.float64(plain(*arguments)))
    return module.RoDeO


def five_columns(boxes, classes):
    return np.column_stack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2], classes])


@pytest.mark.parametrize("classes", [2, 5])
def test_rodeo_equals_the_authors_package(classes, authors_rodeo, rng, random_case):
    for _ in range(5):
        cases = [random_case(rng, str(number), classes) for number in range(60)]
        peer = authors_rodeo([str(number) for number in range(classes)])
        peer.add(
            [five_columns(case.boxes, case.classes) for case in cases],
            [five_columns(case.targets, case.target_classes) for case in cases],
        )
        expected, ours = peer.compute(), rodeo(cases, classes)
        parts = ("localization", "shape_matching", "classification", "total")
        values = (ours.localization, ours.shape, ours.classification, ours.total)
        assert values == pytest.approx([expected[f"RoDeO/{part}"] for part in parts], abs=1e-9)


@pytest.mark.parametrize("constant", [False, True])
def test_coco_ap_equals_pycocotools(constant, rng, random_case, capsys):
    names = ("a", "b", "c")
    cases = [random_case(rng, str(number), 3) for number in range(80)]
    if constant:
        cases = [replace(case, scores=np.ones(len(case.boxes))) for case in cases]
    truth = COCO()
    truth.dataset = _truth(cases, names)
    truth.createIndex()
    peer = COCOeval(truth, truth.loadRes(_answers(cases)), "bbox")
    peer.evaluate()
    peer.accumulate()
    peer.summarize()
    ours = coco_ap(cases, names)
    assert (ours.mean, ours.at_50, ours.at_75) == pytest.approx(peer.stats[:3], abs=1e-9)
    assert ours.recall == pytest.approx(peer.stats[8], abs=1e-9)
