import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medsuite.core.errors import InputError
from medsuite.synth_medvlp import FINDINGS, Curator, measure_curation, spoil_films
from medsuite.synth_medvlp.cohorts import Cohort, draw_cohort
from medsuite.synth_medvlp.curation import EXEMPLAR, TESTS, features
from medsuite.synth_medvlp.dirt import FAULTS


def spoilt(cohort: Cohort, seed: int, share: float = 0.4):
    films, fault = spoil_films(cohort.films.astype(np.float32) / 255, share, np.random.default_rng(seed))
    return np.rint(255 * films).astype(np.uint8), fault


@pytest.fixture(scope="module")
def halves():
    """Films to choose thresholds on, and others to judge, each with their faults."""
    cohort = draw_cohort(500, 48, None, 0.0, (1, 2))
    return spoilt(cohort[:250], 0), spoilt(cohort[250:], 1), cohort[250:].labels


def test_most_bad_films_are_found_and_few_good_ones_lost(halves):
    (films, fault), (others, truth), labels = halves
    rejected = Curator.fit(films, fault > 0).reject(others)
    found = measure_curation(rejected, truth > 0, labels, FINDINGS)
    assert found.recall.estimate > 0.85
    assert found.precision.estimate > 0.75
    assert max(found.lost.values()) < 0.5


@pytest.mark.parametrize("name", TESTS)
def test_each_test_finds_the_fault_that_it_is_named_after(halves, name):
    (films, fault), (others, truth), _ = halves
    suspect = Curator.fit(films, fault > 0).suspect(others)[name]
    assert suspect[truth == FAULTS.index(name)].mean() > 0.7
    assert suspect[truth == 0].mean() < 0.08


def test_a_film_is_near_itself_as_an_exemplar(halves):
    (films, fault), _, _ = halves
    curator = Curator.fit(films, fault > 0)
    assert curator.suspect(films[fault > 0])[EXEMPLAR].all()


def test_allowing_more_losses_rejects_at_least_as_much(halves):
    (films, fault), (others, _), _ = halves
    strict, loose = (Curator.fit(films, fault > 0, allowed).reject(others) for allowed in (0.1, 0.0))
    assert (strict | ~loose).all()


def test_curation_is_counted_as_its_definition_says():
    rejected = np.array([1, 1, 0, 0, 1], bool)
    bad = np.array([1, 0, 1, 0, 0], bool)
    labels = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]], bool)
    found = measure_curation(rejected, bad, labels, ("a", "b", "c"))
    assert found.precision.estimate == pytest.approx(1 / 3)
    assert found.recall.estimate == pytest.approx(1 / 2)
    assert (found.lost["a"], found.lost["b"]) == (0.5, 1.0)
    assert np.isnan(found.lost["c"])
    assert measure_curation(np.zeros(5, bool), bad, labels, ("a", "b", "c")).precision is None


@pytest.mark.parametrize(
    ("shape", "bad", "allowed", "message"),
    [
        ((30, 32, 32), 0, 0.01, "30 good and 0 bad films"),
        ((30, 32, 32), 15, 0.01, "15 good and 15 bad films"),
        ((30, 32, 32), 3, 0.7, "allowed 0.7"),
        ((30, 32, 40), 3, 0.01, "square films"),
    ],
)
def test_thresholds_cannot_be_chosen_on_nothing(shape, bad, allowed, message, rng):
    films = rng.integers(0, 255, shape).astype(np.uint8)
    with pytest.raises(InputError, match=message):
        Curator.fit(films, np.arange(30) < bad, allowed)


def test_films_of_another_size_and_sets_without_bad_films_are_refused(halves):
    (films, fault), _, labels = halves
    with pytest.raises(InputError, match=r"\(48, 48\)"):
        Curator.fit(films, fault > 0).reject(films[:, :32, :32])
    with pytest.raises(InputError, match="no bad film"):
        measure_curation(np.zeros(250, bool), np.zeros(250, bool), labels, FINDINGS)


def test_features_do_not_depend_on_brightness_and_contrast(halves):
    (films, _), _, _ = halves
    pictures = films[:50].astype(float) / 255
    vectors = features(pictures)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1)
    np.testing.assert_allclose(features(0.5 * pictures + 0.2), vectors, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "worsen"),
    [
        ("blurred", lambda film, step: gaussian_filter(film, 0.7 * step)),
        ("noisy", lambda film, step: film + 0.08 * step * np.random.default_rng(0).standard_normal(film.shape)),
        ("badly exposed", lambda film, step: np.clip(film + 0.15 * step, 0, 1)),
    ],
)
def test_a_score_rises_with_its_fault(halves, name, worsen):
    (films, fault), _, _ = halves
    good = films[fault == 0].astype(float) / 255
    reference = good.mean(0)
    for film in good[:12]:
        scores = [float(TESTS[name](worsen(film, step)[None], reference)[0]) for step in range(4)]
        assert scores == sorted(scores)
        assert scores[-1] > scores[0]


def test_a_film_turned_upside_down_fits_better_turned_back(halves):
    (films, fault), _, _ = halves
    good = films[fault == 0].astype(float) / 255
    upright = TESTS["rotated"](good, good.mean(0))
    for times in (1, 2, 3):
        turned = TESTS["rotated"](np.rot90(good, times, (1, 2)), good.mean(0))
        assert turned.min() > upright.max() - 0.05
        assert np.median(turned) > np.median(upright) + 0.2
