import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.core.phantom import Scene, attenuation
from medsuite.core.stats import wilson_interval
from medsuite.med_r1 import audit, simulate
from medsuite.med_r1.auditing import cross_validated, question_and_option_words
from medsuite.med_r1.simulation import ANSWERS, MODALITIES, Clinic
from medsuite.med_r1.simulation.contrast import hounsfield, magnetic_signal
from medsuite.med_r1.simulation.patients import LESIONS
from medsuite.med_r1.simulation.questions import DARKER, NEVER_RIGHT, ZONES, ask, request_for


def shades(questions):
    return np.stack([np.asarray(questions.picture(question).convert("L")) for question in questions])


def whole_slice(scene):
    """Every point of the slice, as the field at once."""
    along = (np.arange(28) + 0.5 - 14) * 345.0 / 28
    z, x = np.meshgrid(-along, along, indexing="ij")
    points = np.stack([x.ravel(), np.full(x.size, -4.0), z.ravel()], axis=1)
    return attenuation(scene, points).reshape(28, 28)


def healthy(clinic, patient):
    return whole_slice(Scene(clinic.anatomies[patient]))


@pytest.fixture(scope="module")
def clinic():
    return Clinic(3, 28, np.random.default_rng(1))


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_set_depends_on_its_seed_alone(modality):
    first, again = (simulate(6, modality, np.random.default_rng(5), side=28) for _ in range(2))
    other = simulate(6, modality, np.random.default_rng(6), side=28)
    assert first.questions == again.questions
    assert np.array_equal(shades(first), shades(again))
    assert not np.array_equal(shades(first), shades(other))
    assert first.subsets == (modality,)


def test_a_slice_is_the_attenuation_point_by_point(clinic, rng):
    scene = clinic.admit(1, request_for("zone", "LLZ", "CT", rng), rng)
    assert np.array_equal(clinic.attenuation(1, scene), whole_slice(scene))


@pytest.mark.parametrize("zone", ZONES)
def test_right_is_on_the_left_of_the_picture_and_up_is_up(clinic, zone, rng):
    scene = clinic.admit(0, request_for("zone", zone, "CT", rng), rng)
    rows, columns = np.nonzero(clinic.attenuation(0, scene) != healthy(clinic, 0))
    assert (columns.mean() < 14) == (zone[0] == "R")
    assert (rows.mean() < 14) == (zone[1] == "U")


def test_a_lesion_is_never_hidden_by_the_heart(clinic, rng):
    for number in range(30):
        scene = clinic.admit(number % 3, request_for("zone", "LLZ", "CT", rng), rng)
        area = np.pi / 4 * (scene.findings[0].size_mm / (345.0 / 28)) ** 2
        assert (clinic.attenuation(number % 3, scene) != healthy(clinic, number % 3)).sum() > 0.3 * area


def test_a_patient_without_room_is_an_error(clinic, rng, monkeypatch):
    monkeypatch.setattr("medsuite.med_r1.simulation.patients.SHOWN", 1.1)
    with pytest.raises(InputError, match=r"no room for a lesion of .* in the upper left lung"):
        clinic.admit(0, request_for("zone", "LUZ", "CT", rng), rng)


@pytest.mark.parametrize("answer", ANSWERS["polarity"])
@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_polarity_is_what_the_slice_shows_against_the_lung(clinic, modality, answer, rng):
    law = hounsfield if modality == "CT" else magnetic_signal
    for _ in range(6):
        scene = clinic.admit(2, request_for("polarity", answer, modality, rng), rng)
        change = law(clinic.attenuation(2, scene)) - law(healthy(clinic, 2))
        assert (np.median(change[change != 0]) > 0) == (answer == "brighter")


def test_a_large_lesion_covers_more_than_a_small_one(clinic, rng):
    def covered(size):
        scene = clinic.admit(1, request_for("size", size, "MR", rng), rng)
        return (clinic.attenuation(1, scene) != healthy(clinic, 1)).sum()

    assert min(covered("large") for _ in range(5)) > max(covered("small") for _ in range(5))


@pytest.mark.parametrize("modality", MODALITIES)
def test_every_answer_can_be_right_and_what_is_not_asked_stays_open(modality, rng):
    for answer in ANSWERS["polarity"]:
        materials = {request_for("polarity", answer, modality, rng).label for _ in range(60)}
        assert materials == {name for name in LESIONS if (name in DARKER[modality]) == (answer == "darker")}
    requests = [request_for("size", "large", modality, rng) for _ in range(60)]
    assert {request.label for request in requests} == set(LESIONS)
    assert {(request.side, request.zone) for request in requests} == set(ZONES.values())
    assert all(62 <= request.size_mm <= 80 for request in requests)


def large_text_set(shortcut):
    """Questions as `simulate` asks them, without drawing a picture."""
    rng = np.random.default_rng(0)
    kinds = list(ANSWERS)
    asked = []
    for number in range(900):
        kind = kinds[rng.integers(3)]
        right = ANSWERS[kind][rng.integers(len(ANSWERS[kind]))]
        asked.append(ask(str(number), kind, right, "MR", shortcut, rng))
    return asked


def test_without_the_shortcut_no_text_gives_the_answer_away_and_with_it_all_do():
    folds = np.random.default_rng(1).permutation(np.arange(900) % 5)
    honest, leaky = large_text_set(0.0), large_text_set(1.0)
    chance = np.mean([1 / len(question.options) for question in honest])
    right = int(cross_validated(honest, folds, question_and_option_words).sum())
    interval = wilson_interval(right, 900, level=0.99)
    assert interval.low <= chance <= interval.high
    assert cross_validated(leaky, folds, question_and_option_words).mean() > 0.9


def test_the_shortcut_s_distractors_are_the_answer_of_no_question():
    rights = {word for words in ANSWERS.values() for word in words}
    assert not rights & {word for words in NEVER_RIGHT.values() for word in words}
    for question in large_text_set(1.0)[:50]:
        assert {option for option in question.options if option in rights} == {question.answer_text}


def test_the_audit_of_a_drawn_set_finds_nothing(rng):
    assert audit(simulate(60, "film", rng, side=28), rng).usable


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"count": 0}, "0 questions"),
        ({"modality": "Film"}, "did you mean 'film'"),
        ({"questions": ("zones",)}, "did you mean 'zone'"),
        ({"questions": ()}, "no kinds of question"),
        ({"shortcut": 1.5}, "shortcut 1.5"),
        ({"difficulty": "medium"}, "unknown difficulty"),
    ],
)
def test_wrong_arguments_are_refused(changes, message, rng):
    arguments = {"count": 2, "modality": "MR"} | changes
    with pytest.raises(InputError, match=message):
        simulate(arguments.pop("count"), arguments.pop("modality"), rng, **arguments)
