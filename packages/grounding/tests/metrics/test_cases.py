from dataclasses import replace

import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.grounding.data import Annotations, Record
from medsuite.grounding.metrics import BlindPrior, cases_of, found
from medsuite.grounding.metrics.cases import Prediction


def record(name, *boxes, label="cyst"):
    return Record(
        name, (label,) * len(boxes), np.array(boxes, float).reshape(-1, 4), ("",) * len(boxes), (1,) * len(boxes)
    )


ANNOTATIONS = Annotations((record("a", [0, 0, 10, 10]), record("b"), record("c", [5, 5, 9, 9], label="edema")))


def answer(name, *labels):
    return Prediction(name, labels, np.tile([0.0, 0, 10, 10], (len(labels), 1)), np.ones(len(labels)))


def test_predictions_meet_their_images_and_the_rest_stays_empty():
    cases, names = cases_of(ANNOTATIONS, [answer("c", "cyst", "edema")])
    assert names == ("cyst", "edema")
    assert [len(case.boxes) for case in cases] == [0, 0, 2]
    assert cases[2].classes.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([answer("z", "cyst")], "'z', which has no annotation"),
        ([answer("a", "cyst"), answer("a")], "two predictions for image 'a'"),
        ([answer("a", "cist")], "did you mean 'cyst'"),
    ],
)
def test_a_prediction_that_belongs_nowhere_is_refused(answers, message):
    with pytest.raises(InputError, match=message):
        cases_of(ANNOTATIONS, answers)


def test_an_image_file_is_the_image_of_that_name():
    cases, _ = cases_of(ANNOTATIONS, [answer("a.png", "cyst"), answer("c.DICOM", "edema")])
    assert [len(case.boxes) for case in cases] == [1, 0, 1]
    with pytest.raises(InputError, match="two predictions for image 'a'"):
        cases_of(ANNOTATIONS, [answer("a.png", "cyst"), answer("a", "cyst")])
    with pytest.raises(InputError, match=r"'a\.json', which has no annotation; expected one of 3 images, such as 'a'"):
        cases_of(ANNOTATIONS, [answer("a.json", "cyst")])


def test_an_id_with_a_suffix_that_the_data_set_knows_is_taken_as_it_is():
    annotations = Annotations((record("a.png", [0, 0, 10, 10]), record("a", [0, 0, 10, 10])))
    cases, _ = cases_of(annotations, [answer("a.png", "cyst")])
    assert [len(case.boxes) for case in cases] == [1, 0]


def test_another_name_of_a_finding_means_the_class_of_the_data_set(vindr):
    annotations = Annotations((record("a", [0, 0, 9, 9], label="Nodule/Mass"), record("b", [0, 0, 9, 9], label="ILD")))
    answers = [answer("a", "nodule or mass", "mass"), answer("b", "interstitial lung disease")]
    cases, names = cases_of(annotations, answers, knowledge=vindr)
    assert [names[label] for case in cases for label in case.classes] == ["Nodule/Mass", "Nodule/Mass", "ILD"]
    with pytest.raises(InputError, match="unknown class 'nodule or mass'"):
        cases_of(annotations, answers)
    with pytest.raises(InputError, match="unknown class 'edema'"):
        cases_of(annotations, [answer("a", "edema")], knowledge=vindr)


def test_a_name_that_two_classes_of_the_data_set_share_is_not_guessed(vindr):
    annotations = Annotations((record("a", [0, 0, 9, 9], label="nodule"), record("b", [0, 0, 9, 9], label="mass")))
    with pytest.raises(InputError, match="'nodule or mass' may mean any of mass, nodule"):
        cases_of(annotations, [answer("a", "nodule or mass")], knowledge=vindr)
    cases, names = cases_of(annotations, [answer("a", "nodule")], knowledge=vindr)
    assert names[cases[0].classes[0]] == "nodule"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boxes": np.array([[5.0, 5, 1, 9]])}, r"image 'a': box \(5, 5, 1, 9\) has no area"),
        ({"boxes": np.array([[0.0, 0, np.inf, 9]])}, "image 'a': box"),
        ({"labels": ("cyst", "cyst")}, "1 boxes, 2 labels and 1 scores"),
        ({"boxes": np.array([[0.1, 0.2, 0.5, 1.0]])}, "as in unit coordinates"),
    ],
)
def test_boxes_that_cannot_be_measured_are_refused_with_their_image(change, message):
    with pytest.raises(InputError, match=message):
        cases_of(ANNOTATIONS, [replace(answer("a", "cyst"), **change)])


def test_the_blind_prior_answers_with_the_median_box_scaled_to_the_image():
    training = Annotations((record("1", [0, 0, 10, 10]), record("2", [20, 0, 40, 10]), record("3", [0, 0, 4, 4])))
    prior = BlindPrior.fit(training, {"1": (100, 100), "2": (200, 100), "3": (50, 50)})
    np.testing.assert_allclose(
        prior.boxes["cyst"], np.median([[0, 0, 0.1, 0.1], [0.1, 0, 0.2, 0.1], [0, 0, 0.08, 0.08]], 0)
    )
    answers = prior.predict(ANNOTATIONS, {"a": (100, 200), "b": (1, 1), "c": (1, 1)})
    np.testing.assert_allclose(answers[0].boxes, [[0, 0, 10, 20]])
    assert [each.labels for each in answers] == [("cyst",), (), ()]
    cases, _ = cases_of(ANNOTATIONS, answers)
    assert found(cases).sum(axis=0).tolist() == [1, 2]


def test_the_blind_prior_needs_boxes_and_sizes():
    with pytest.raises(InputError, match="no boxes"):
        BlindPrior.fit(Annotations((record("b"),)), {})
    with pytest.raises(InputError, match="'a' has no size"):
        BlindPrior.fit(ANNOTATIONS, {})
