from dataclasses import replace

import numpy as np
import pytest

from medsuite.core.phantom import LABELS, Anatomy, Finding, Scene, sample_scene
from medsuite.core.phantom.projection import make_grid, project

FIELD = 345.0
SOFT = 0.0154
LUNG_SHAPES = ("round", "oval", "lobulated", "ring", "cloud", "wedge", "plate", "net")


def nodule(**attributes: object) -> Finding:
    plain = Finding("nodule", "round", "right", "middle", 24.0, SOFT, (-75.0, 0.0, 60.0))
    return replace(plain, **attributes)


def difference(finding: Finding, size: int = 128) -> np.ndarray:
    return project([Scene(Anatomy(), (finding,))], size, FIELD).difference[0]


def mass(finding: Finding, size: int = 128) -> float:
    return float(difference(finding, size).sum() * (FIELD / size) ** 2)


@pytest.mark.parametrize("label", LABELS)
def test_the_projection_is_what_marching_through_the_attenuation_in_space_gives(label, march):
    scene = sample_scene(50 + list(LABELS).index(label), [label])
    grid = make_grid([scene], 64, FIELD)
    rays = project([scene], 64, FIELD, aperture_mm=1e-3).line_integral[0]
    touched = np.argwhere(np.abs(project([scene], 64, FIELD).difference[0]) > 0.02)
    rng = np.random.default_rng(0)
    for row, column in [*rng.integers(6, 58, (3, 2)), *rng.choice(touched, 3)]:
        expected = march(scene, grid.x[0, 0, column], grid.z[0, row, 0])
        assert rays[row, column] == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("label", LABELS)
def test_the_difference_is_the_line_integral_with_minus_without_the_finding(label):
    scene = sample_scene(7, ["mass", label, "pneumothorax"])
    with_finding = project([scene], 48, FIELD)
    without = project([scene.without(1)], 48, FIELD)
    expected = with_finding.line_integral[0] - without.line_integral[0]
    np.testing.assert_allclose(with_finding.difference[1], expected, atol=2e-4)


def test_a_ball_in_the_lung_adds_its_diameter_times_its_contrast():
    grid = make_grid([Scene(Anatomy())], 128, FIELD)
    x, z = float(grid.x[0, 0, 30]), float(grid.z[0, 45, 0])
    scene = Scene(Anatomy(), (nodule(position=(x, 0.0, z)),))
    seen = project([scene], 128, FIELD, aperture_mm=1e-3).difference[0]
    assert seen[45, 30] == pytest.approx(24 * SOFT, rel=0.01)
    assert seen.max() == seen[45, 30]


def test_a_ball_in_the_lung_adds_its_volume_times_its_contrast_at_any_size():
    for size in (64, 128, 256):
        assert mass(nodule(), size) == pytest.approx(4 / 3 * np.pi * 12**3 * SOFT, rel=0.02)


def test_an_ill_defined_ball_has_less_in_its_rim_and_as_much_in_its_middle():
    sharp, soft = difference(nodule()), difference(nodule(margin="ill-defined"))
    assert mass(nodule(margin="ill-defined")) < 0.8 * mass(nodule())
    inner = sharp > 0.98 * sharp.max()
    assert soft[inner].mean() > 0.7 * sharp[inner].mean()


def test_spicules_reach_beyond_the_ball():
    sharp, spiculated = (difference(nodule(margin=margin)) for margin in ("sharp", "spiculated"))
    assert spiculated[sharp == 0].max() > 0.02


def test_a_stippled_ball_is_rougher_than_a_homogeneous_one():
    smooth, rough = (difference(nodule(size_mm=50.0, texture=kind), 256) for kind in ("homogeneous", "stippled"))
    middle = smooth > 0.8 * smooth.max()
    assert rough[middle].std() / rough[middle].mean() > 2 * smooth[middle].std() / smooth[middle].mean()


def test_a_ring_is_brighter_at_its_rim_than_in_its_middle():
    seen = difference(nodule(shape="ring", size_mm=44.0))
    ys, xs = np.nonzero(seen > 0.02)
    middle = seen[int(ys.mean()) - 1 : int(ys.mean()) + 2, int(xs.mean()) - 1 : int(xs.mean()) + 2].mean()
    assert middle < 0.75 * seen.max()


def test_a_plate_is_much_wider_than_high():
    ys, xs = np.nonzero(difference(nodule(shape="plate", size_mm=60.0)) > 0.1)
    assert np.ptp(xs) > 2 * np.ptp(ys)


@pytest.mark.parametrize("shape", LUNG_SHAPES)
def test_lucent_lesions_darken_and_dense_ones_brighten(shape):
    for sign in (-1, 1):
        seen = difference(nodule(shape=shape, size_mm=40.0, attenuation=sign * 0.004))
        assert sign * seen.sum() > 0
        assert (sign * seen).min() > -0.01


@pytest.mark.parametrize("shape", LUNG_SHAPES)
def test_lesions_extend_about_as_far_as_their_size(shape):
    size_mm = 60.0
    seen = np.abs(difference(nodule(shape=shape, size_mm=size_mm), 256)) > 0.01
    extent = max(np.ptp(np.nonzero(seen)[0]), np.ptp(np.nonzero(seen)[1])) * FIELD / 256
    assert 0.65 * size_mm < extent < 1.35 * size_mm


def test_a_finding_on_both_sides_is_mirrored():
    right, both = difference(nodule(), 128), difference(nodule(side="both"), 128)
    np.testing.assert_allclose(both, right + right[:, ::-1], atol=0.02)


def test_a_lung_lesion_placed_where_no_lung_is_changes_nothing():
    assert not difference(nodule(position=(0.0, 0.0, 20.0), size_mm=14.0)).any()
    assert not difference(nodule(position=(-60.0, 0.0, -140.0), size_mm=14.0)).any()


def test_devices_act_through_any_tissue():
    catheter = nodule(shape="catheter", size_mm=2.5, attenuation=0.13, position=(-22.0, 4.0, 40.0))
    seen = difference(catheter, 256)
    rows = np.nonzero(seen.sum(1) > 0)[0]
    assert np.ptp(rows) == len(rows) - 1  # without a gap from the neck to its tip behind the sternum


def test_an_enlarged_heart_grows_by_its_size():
    def width(growth: float) -> float:
        findings = (nodule(shape="enlarged heart", side="midline", size_mm=growth),) if growth else ()
        row = project([Scene(Anatomy(), findings)], 256, FIELD).line_integral[0, 155]
        air = project([Scene(Anatomy(heart_half_depth=1.0, right_atrium=24.0))], 256, FIELD).line_integral[0, 155]
        return np.ptp(np.nonzero(row - air > 0.25)[0]) * FIELD / 256

    assert width(40.0) - width(0.0) == pytest.approx(40, abs=10)


def test_scenes_do_not_influence_each_other_in_a_batch():
    scenes = [sample_scene(seed) for seed in range(6)]
    together = project(scenes, 40, FIELD)
    for film, scene in enumerate(scenes):
        alone = project([scene], 40, FIELD)
        np.testing.assert_array_equal(together.line_integral[film], alone.line_integral[0])
        np.testing.assert_array_equal(together.difference[together.film == film], alone.difference)


def test_moving_the_patient_moves_the_film():
    pitch = FIELD / 115
    still = project([Scene(Anatomy())], 115, FIELD).line_integral[0]
    moved = project([Scene(Anatomy(shift_x=4 * pitch, shift_z=3 * pitch))], 115, FIELD).line_integral[0]
    np.testing.assert_allclose(moved[5:-5, 5:-5], np.roll(still, (-3, 4), (0, 1))[5:-5, 5:-5], atol=0.05)
