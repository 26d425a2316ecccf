import numpy as np
import pytest

from medsuite.core.phantom import Anatomy, sample_anatomy, skeleton
from medsuite.core.phantom.body import Disease, stack_bodies

PATIENTS = [Anatomy(), *(sample_anatomy(np.random.default_rng(seed)) for seed in range(5))]
BODY = stack_bodies(PATIENTS, [Disease()] * len(PATIENTS))
POINTS = skeleton.rib_points(BODY, skeleton.rib_angles(BODY))
RIGHT, LEFT = 0, 1


def test_there_are_twelve_ribs_on_each_side():
    assert POINTS.shape[1:3] == (2, 12)
    assert (POINTS[:, RIGHT, :, 1:, 0] < 0).all()
    assert (POINTS[:, LEFT, :, 1:, 0] > 0).all()


def test_ribs_start_at_the_spine_behind_and_come_forward():
    y = POINTS[..., 1]
    assert (y[..., 0] < -45).all()
    assert (np.diff(y, axis=-1) > 0).all()


def test_posterior_ribs_descend_laterally_and_anterior_ribs_descend_medially():
    x, z = np.abs(POINTS[:, :, 2:9, :, 0]), POINTS[:, :, 2:9, :, 2]
    lateral = x.argmax(-1)
    for index in np.ndindex(lateral.shape):
        turn = lateral[index]
        assert z[index][turn] < z[index][0]
        assert z[index][-1] < z[index][turn]
        assert x[index][-1] < x[index][turn]


def test_ribs_lie_below_each_other_by_about_one_vertebra():
    at_side = POINTS[..., 5, 2]
    assert (np.diff(at_side, axis=-1) < -8).all()


def test_ribs_enclose_the_lungs():
    widest = np.abs(POINTS[..., 0]).max((-1, -2))
    lungs = np.stack([BODY["lung_lateral_right"], BODY["lung_lateral_left"]], -1)
    assert (widest > lungs - 2).all()
    assert (widest < lungs + 8).all()


def test_vertebrae_are_evenly_spaced_on_a_curve():
    heights = skeleton.vertebra_heights(BODY)
    np.testing.assert_allclose(np.diff(heights), -BODY["vertebra_pitch"][:, None].repeat(15, 1), rtol=1e-5)


def test_without_scoliosis_the_spine_is_straight():
    straight = stack_bodies([Anatomy(spine_curve=0.0)], [Disease()])
    assert not skeleton.spine_positions(straight, np.linspace(-100, 100, 9)).any()


def broken(**changes: float) -> np.ndarray:
    disease = Disease(fracture_rib=6.0, fracture_left=1.0, fracture_at=60.0, **changes)
    return stack_bodies([Anatomy()], [disease])


def test_a_fracture_leaves_a_gap_of_its_size_in_one_rib():
    body = broken(fracture_gap=8.0)
    tubes, whole = skeleton.ribs(body), skeleton.ribs(stack_bodies([Anatomy()], [Disease()]))
    missing = tubes.delta == 0
    assert missing.sum() == 2  # its cortex and its core
    assert not (whole.delta == 0).any()
    length = np.linalg.norm(tubes.stop[missing] - tubes.start[missing], axis=1)
    np.testing.assert_allclose(length, 8.0, rtol=0.25)


def test_the_far_fragment_steps_down_and_the_rest_stays():
    still, moved = skeleton.ribs(broken(fracture_gap=8.0)), skeleton.ribs(broken(fracture_gap=8.0, fracture_step=6.0))
    drop = still.start[:, 2] - moved.start[:, 2]
    assert drop.max() == pytest.approx(6.0, rel=0.25)
    assert (drop[still.start[:, 0] < 0] == 0).all()
    assert (drop > 0).sum() < 30


def test_denser_bones_attenuate_more():
    weak, strong = (
        skeleton.ribs(stack_bodies([Anatomy(bone_density=density)], [Disease()])).delta for density in (0.8, 1.2)
    )
    np.testing.assert_allclose(strong, 1.5 * weak, rtol=1e-5)


def test_bones_of_both_sides_mirror_each_other_in_a_straight_symmetric_patient():
    patient = Anatomy(lung_lateral_left=133.0, lung_lateral_right=133.0, spine_curve=0.0)
    body = stack_bodies([patient], [Disease()])
    points = skeleton.rib_points(body, skeleton.rib_angles(body))
    np.testing.assert_allclose(points[:, RIGHT] * [-1, 1, 1], points[:, LEFT], atol=1e-4)
