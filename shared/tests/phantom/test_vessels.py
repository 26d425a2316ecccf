import numpy as np
import pytest

from medsuite.core.phantom import Acquisition, Anatomy, Request, Scene, draw, gas, sample_anatomy, sample_scene, vessels
from medsuite.core.phantom.body import Disease, stack_bodies
from medsuite.core.phantom.solids import Domain

PATIENTS = [Anatomy(), *(sample_anatomy(np.random.default_rng(seed)) for seed in range(4))]
BODY = stack_bodies(PATIENTS, [Disease()] * len(PATIENTS))
SEEDS = [patient.vessel_seed for patient in PATIENTS]
TREES = vessels.pulmonary_vessels(BODY, SEEDS)


def test_the_same_seed_grows_the_same_tree_in_any_batch():
    alone = vessels.pulmonary_vessels(BODY[2:3], SEEDS[2:3])
    np.testing.assert_array_equal(TREES.start[TREES.film == 2], alone.start)
    np.testing.assert_array_equal(TREES.radius[TREES.film == 2], alone.radius)


def test_another_seed_grows_another_tree():
    other = vessels.pulmonary_vessels(BODY[:1], [1])
    assert np.abs(other.start - TREES.start[TREES.film == 0]).max() > 3


def test_vessels_act_in_aerated_lung_only():
    assert (TREES.domain == Domain.AIR).all()


def test_vessels_get_thinner_from_hilum_to_periphery():
    root = vessels.hila(BODY)[TREES.film, (TREES.start[:, 0] > 0).astype(int)]
    distance = np.linalg.norm(TREES.start - root, axis=1)
    near, far = TREES.radius[distance < 25].mean(), TREES.radius[distance > 80].mean()
    assert near > 2.5 * far
    assert TREES.radius.min() > 0.1


def test_vessels_are_thicker_towards_the_bases():
    main = vessels.pulmonary_vessels(BODY[:1], [0])
    thickest = main.radius > 3.5
    assert (
        main.radius[thickest & (main.start[:, 2] < 20)].mean() > main.radius[thickest & (main.start[:, 2] > 50)].mean()
    )


def test_most_vessels_stay_within_the_lungs():
    lateral = np.maximum(BODY["lung_lateral_right"], BODY["lung_lateral_left"])[TREES.film]
    apex, base = BODY["lung_apex"][TREES.film], BODY["lung_base"][TREES.film]
    x, _, z = TREES.stop.T
    inside = (np.abs(x) < lateral) & (z < apex) & (z > base)
    assert inside.mean() > 0.95


def test_vessels_draw_together_with_a_collapsing_lung_on_its_side_only():
    sick = stack_bodies([Anatomy()], [Disease(collapse_left=60.0)])
    moved, still = vessels.pulmonary_vessels(sick, [0]), vessels.pulmonary_vessels(BODY[:1], [0])
    left = still.start[:, 0] > 40
    assert moved.stop[left, 2].max() < still.stop[left, 2].max() - 20
    np.testing.assert_allclose(moved.start[still.start[:, 0] < -40], still.start[still.start[:, 0] < -40], atol=1e-3)


def test_the_left_hilum_is_the_higher_one():
    right, left = np.moveaxis(vessels.hila(BODY), 1, 0)
    assert (left[:, 2] > right[:, 2]).all()


def test_airways_are_gas_in_tissue_and_the_right_bronchus_is_steeper():
    tubes = gas.airways(BODY[:1])
    assert (tubes.delta < 0).all()
    assert (tubes.domain == Domain.TISSUE).all()
    bronchi = tubes.start[:, 2] < Anatomy().carina
    way = tubes.stop[bronchi] - tubes.start[bronchi]
    steepness = -way[:, 2] / np.abs(way[:, 0])
    assert steepness[way[:, 0] < 0].min() > steepness[way[:, 0] > 0].max()


def test_the_gastric_bubble_lies_under_the_left_dome():
    bubble = gas.gastric_bubble(BODY)
    assert (bubble.centre[:, 0] > 0).all()
    top = BODY["dome_right"] - BODY["dome_left_below_right"]
    assert (bubble.centre[:, 2] + bubble.axes[:, 2] < top).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_film_has_the_landmarks_of_a_chest(seed):
    scene = sample_scene(seed, [])
    field = Acquisition().field_of_view_mm
    film = draw([scene], 128).image[0]

    def brightness(x: float, z: float) -> float:
        column = int((x + scene.anatomy.shift_x) / field * 128 + 64)
        row = int((0.5 * field - 8 - scene.anatomy.shift_z - z) / field * 128)
        return float(film[row - 2 : row + 3, column - 2 : column + 3].mean())

    lungs = [brightness(side * 85, z) for side in (-1, 1) for z in (20, 60, 90)]
    heart, liver, spine = brightness(45, -45), brightness(-70, -110), brightness(0, -20)
    assert max(lungs) < 0.45 < heart < spine
    assert liver > 0.6
    assert brightness(scene.anatomy.trachea_x, scene.anatomy.carina + 78) < brightness(-24, scene.anatomy.carina + 78)
    assert max(film[:, 0].min(), film[:, -1].min()) < 0.1  # air beside the arms


def test_a_pneumothorax_has_no_vessels_beyond_the_line_of_the_pleura():
    scene = sample_scene(2, [Request("pneumothorax", side="left", size_mm=60.0)])
    quiet = Scene(scene.anatomy, scene.findings, seed=0)
    other = Scene(Anatomy(**{**vars(scene.anatomy), "vessel_seed": 99}), scene.findings, seed=0)
    films = draw([quiet, other], 128, Acquisition.ideal())
    moved = np.abs(films.line_integral[0] - films.line_integral[1])
    assert moved[:, 64:].max() > 0.05  # another tree elsewhere
    x, z = 55.0, scene.anatomy.lung_apex - 18
    field = Acquisition().field_of_view_mm
    column = int((x + scene.anatomy.shift_x) / field * 128 + 64)
    row = int((0.5 * field - 8 - scene.anatomy.shift_z - z) / field * 128)
    assert moved[row - 2 : row + 3, column - 2 : column + 3].max() == 0
