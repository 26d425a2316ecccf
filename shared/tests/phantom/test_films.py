from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.core.phantom import (
    LABELS,
    Acquisition,
    Anatomy,
    Finding,
    Request,
    Scene,
    contact_sheet,
    draw,
    sample_anatomy,
    sample_scene,
)
from medsuite.core.phantom.marks import boxes
from medsuite.core.phantom.placement import zone_heights

IDEAL = Acquisition.ideal()


def nodule(**attributes: object) -> Scene:
    plain = Finding("nodule", "round", "right", "middle", 24.0, 0.0154, (-75.0, 0.0, 60.0))
    return Scene(Anatomy(), (replace(plain, **attributes),), seed=1)


@given(st.integers(0, 1000), st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_a_film_depends_on_its_scene_and_not_on_the_batch_or_the_threads(first, second):
    scenes = [sample_scene(first), sample_scene(second)]
    together = draw([*scenes, *scenes] * 5, 40, workers=2)
    for place, scene in enumerate(scenes):
        alone = draw([scene], 40)
        np.testing.assert_allclose(together.image[place + 4], alone.image[0], atol=1e-6)
        for mark, single in zip(together.marks(place + 4), alone.marks(0), strict=True):
            assert mark.finding == single.finding
            np.testing.assert_array_equal(mark.mask, single.mask)
            np.testing.assert_array_equal(mark.box, single.box)


def test_large_films_are_drawn_block_by_block_with_the_same_result():
    scenes = [sample_scene(seed) for seed in range(3)]
    films = draw(scenes, 200)
    for place, scene in enumerate(scenes):
        alone = draw([scene], 200)
        np.testing.assert_allclose(films.image[place], alone.image[0], atol=1e-6)
        assert [mark.finding for mark in films.marks(place)] == list(scene.findings)


@pytest.mark.parametrize("seed", range(4))
def test_the_same_patient_is_drawn_at_any_size(seed):
    scene = sample_scene(seed, [Request("mass", zone="upper"), "pacemaker"])
    small, large = (draw([scene], size, IDEAL) for size in (64, 512))
    shrunk = large.line_integral.reshape(64, 8, 64, 8).mean((1, 3))
    assert np.corrcoef(shrunk.ravel(), small.line_integral[0].ravel())[0, 1] > 0.997
    assert np.abs(shrunk - small.line_integral[0]).mean() < 0.04
    for near, far in zip(small.marks(0), large.marks(0), strict=True):
        np.testing.assert_allclose(8 * near.box, far.box, atol=2.5 * 8)


@pytest.mark.parametrize("label", LABELS)
def test_every_label_is_visible_in_most_patients(label):
    scenes = [sample_scene(seed, [label]) for seed in range(12)]
    assert draw(scenes, 112).visible.mean() >= 0.75


def test_there_are_at_least_fourteen_labels():
    assert len(LABELS) >= 14


@pytest.mark.parametrize("label", LABELS)
def test_a_box_is_the_smallest_around_its_mask(label):
    films = draw([sample_scene(seed, [label]) for seed in range(4)], 96)
    for film in range(4):
        for mark in films.marks(film):
            assert mark.visible == mark.mask.any() == bool(np.isfinite(mark.box).all())
            if mark.visible:
                x0, y0, x1, y1 = mark.box.astype(int)
                ys, xs = np.nonzero(mark.mask)
                assert (x0, y0, x1, y1) == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)


def test_boxes_of_empty_masks_are_not_numbers():
    mask = np.zeros((2, 8, 9), bool)
    mask[1, 2:5, 6] = True
    found = boxes(mask)
    assert np.isnan(found[0]).all()
    np.testing.assert_array_equal(found[1], [6, 2, 7, 5])


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("zone", ["upper", "middle", "lower"])
def test_masks_lie_on_the_side_and_in_the_zone_of_the_finding(side, zone):
    scenes = [sample_scene(seed, [Request("mass", side=side, zone=zone, size_mm=34.0)]) for seed in range(8)]
    films, pitch = draw(scenes, 128), Acquisition().field_of_view_mm / 128
    for film in np.flatnonzero(films.visible):
        patient = scenes[film].anatomy
        ys, xs = np.nonzero(films.mask[film])
        middle = 64 + patient.shift_x / pitch
        assert (xs.mean() < middle) == (side == "right")
        z = Acquisition().field_of_view_mm / 2 - 8 - patient.shift_z - (ys.mean() + 0.5) * pitch
        low, high = zone_heights(patient, zone)
        assert low - 6 < z < high + 6


@pytest.mark.parametrize("label", ["pleural effusion", "pneumothorax", "rib fracture", "hilar enlargement"])
def test_one_sided_findings_of_the_right_are_on_the_left_of_the_film(label):
    films = draw([sample_scene(seed, [Request(label, side="right")]) for seed in range(6)], 96)
    columns = films.mask.sum(1) @ np.arange(96) / np.maximum(films.mask.sum((1, 2)), 1)
    assert films.visible.any()
    assert (columns[films.visible] < 48).all()


def test_the_heart_is_on_the_right_of_the_film():
    lung = draw([Scene(Anatomy())], 128, IDEAL).line_integral[0, 80]
    assert lung[64:92].mean() > lung[36:64].mean() + 0.3


def test_no_finding_means_no_mask():
    films = draw([sample_scene(seed, []) for seed in range(3)], 64)
    assert films.mask.shape == (0, 64, 64)
    assert films.box.shape == (0, 4)
    assert films.marks(1) == []


def test_a_small_nodule_behind_the_heart_is_hidden_and_the_same_one_in_the_open_lung_is_not():
    behind_heart, open_lung = (30.0, -50.0, -50.0), (85.0, -20.0, 60.0)
    hidden, seen = (draw([nodule(size_mm=9.0, position=place)], 224) for place in (behind_heart, open_lung))
    assert not hidden.visible[0]
    assert not hidden.mask.any()
    assert np.isnan(hidden.box).all()
    assert seen.visible[0]


def test_a_nodule_without_lung_around_it_is_not_visible():
    film = draw([nodule(position=(0.0, 0.0, 20.0), size_mm=10.0)], 96)
    assert not film.visible[0]
    assert film.contrast_to_noise[0] == 0


def test_masks_are_where_the_signal_exceeds_the_threshold():
    scene = nodule()
    for threshold in (0.02, 0.1, 0.3):
        film = draw([scene], 128, replace(IDEAL, visible_difference=threshold))
        without = draw([scene.without(0)], 128, IDEAL)
        np.testing.assert_array_equal(film.mask[0], film.line_integral[0] - without.line_integral[0] >= threshold)


def test_dark_findings_have_a_negative_contrast():
    assert draw([nodule(attenuation=-0.005, size_mm=40.0)], 96).contrast_to_noise[0] < -5
    assert draw([nodule()], 96).contrast_to_noise[0] > 5


def test_fewer_quanta_hide_a_faint_lesion():
    faint = nodule(attenuation=0.006)
    bright, dim = (draw([faint], 128, Acquisition(photons_per_mm2=n, exposure_spread=0.0)) for n in (1e5, 2.0))
    assert bright.visible[0]
    assert not dim.visible[0]


def test_the_ratio_of_contrast_to_noise_grows_with_the_root_of_the_exposure():
    ratios = [
        draw([nodule()], 96, Acquisition(photons_per_mm2=n, exposure_spread=0.0)).contrast_to_noise[0]
        for n in (1e3, 4e3)
    ]
    assert ratios[1] == pytest.approx(2 * ratios[0], rel=1e-3)


def test_noise_differs_between_seeds_and_not_between_calls():
    first, again, other = (draw([Scene(Anatomy(), seed=seed)], 64).image[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 1e-3


def cardiothoracic_ratio(scene: Scene) -> float:
    """Measure it as on a film: widest mediastinum and heart over widest lung, on the ideal projection."""
    lines = draw([scene], 256, IDEAL).line_integral[0]
    without_bones = np.array([np.convolve(row, np.ones(9) / 9, "same") for row in lines])
    dome = int((172.5 - 8 - scene.anatomy.shift_z - scene.anatomy.dome_right) / 345 * 256)
    thorax = (scene.anatomy.lung_lateral_left + scene.anatomy.lung_lateral_right) / 345 * 256
    widths = []
    for row in without_bones[dome - 30 : dome - 4]:
        middle, cut = (
            128 + int(scene.anatomy.shift_x / 345 * 256),
            0.7 * np.percentile(row, 20) + 0.3 * row[118:138].max(),
        )
        right = next(step for step in range(120) if row[middle - step] < cut)
        left = next(step for step in range(120) if row[middle + step] < cut)
        widths.append(right + left)
    return max(widths) / thorax


def test_the_heart_is_under_half_of_the_thorax_in_health_and_over_it_in_cardiomegaly():
    patients = [sample_anatomy(np.random.default_rng(seed), 0.5) for seed in range(6)]
    healthy = [cardiothoracic_ratio(Scene(patient)) for patient in patients]
    large = Finding("cardiomegaly", "enlarged heart", "midline", "lower", 45.0, 0.0154, (20.0, 22.0, -36.0))
    sick = [cardiothoracic_ratio(Scene(patient, (large,))) for patient in patients]
    assert 0.36 < np.mean(healthy) < 0.5
    assert np.mean(sick) > 0.52
    assert all(b > a for a, b in zip(healthy, sick, strict=True))


def test_films_are_float32_between_zero_and_one():
    films = draw([sample_scene(seed) for seed in range(3)], 64)
    assert films.image.dtype == films.line_integral.dtype == np.float32
    assert films.image.min() >= 0
    assert films.image.max() <= 1
    assert len(films) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(([], 64), "no scenes"), (([Scene(Anatomy())], 8), "size 8"), (([Scene(Anatomy())], 5000), "size 5000")],
)
def test_films_that_cannot_be_drawn_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        draw(*arguments)


def test_no_workers_are_refused():
    with pytest.raises(InputError, match="0 workers"):
        draw([Scene(Anatomy())], 64, workers=0)


def test_a_contact_sheet_shows_every_film_with_its_boxes():
    films = draw([sample_scene(seed, ["mass"]) for seed in range(5)], 64)
    sheet, plain = (np.asarray(contact_sheet(films, columns=3, outlines=shown)) for shown in (True, False))
    assert sheet.shape == (2 * 64, 3 * 64, 3)
    np.testing.assert_allclose(plain[:64, 64:128, 0], 255 * films.image[1], atol=0.6)
    assert (plain == plain[..., :1]).all()
    assert not (sheet == sheet[..., :1]).all()
