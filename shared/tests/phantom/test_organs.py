import numpy as np
import pytest

from medsuite.core.phantom import Anatomy, organs, sample_anatomy
from medsuite.core.phantom.body import Disease, stack_bodies
from medsuite.core.phantom.chest import trace

X = np.linspace(-170, 170, 121, dtype=np.float32)
Z = np.linspace(-170, 165, 101, dtype=np.float32)[:, None]


def body(**disease: float) -> np.ndarray:
    return stack_bodies([Anatomy()], [Disease(**disease)])[:, None, None]


def air(**disease: float) -> np.ndarray:
    chest, _ = trace(body(**disease), X[None, None], Z[None])
    return chest.air(chest.aerated)[0]


SECTIONS = {
    "torso": lambda b: organs.torso(b, Z),
    "lung": lambda b: organs.lung(b, X, Z),
    "mediastinum": lambda b: organs.mediastinum(b, Z),
    "heart": lambda b: organs.heart(b, Z),
    "abdomen": lambda b: organs.abdomen(b, X, Z),
    "bowl": lambda b: organs.aerated_bowl(b, X, Z),
    "collapsed lung": lambda b: organs.collapsed_lung(b, X, Z),
}


@pytest.mark.parametrize("name", SECTIONS)
def test_the_span_of_an_organ_is_where_its_inequality_holds(name):
    section = SECTIONS[name](body(effusion_left=60.0, collapse_right=30.0)[0])
    span = section.span(X)
    for share in (0.02, 0.5, 0.98):
        inside = span.back + share * span.length()
        assert section.contains(X, inside)[span.length() > 1e-2].all()
    for outside in (span.back - 0.01, span.front + 0.01):
        assert not section.contains(X, outside).any()


def test_the_heart_is_an_ellipsoid_with_the_three_axes_of_its_anatomy():
    patient = body()[0]
    heights = np.linspace(-130, 60, 1901, dtype=np.float32)[:, None]
    x = np.linspace(-80, 120, 2001, dtype=np.float32)
    volume = 2 * organs.heart(patient, heights).reach(x).sum() * 0.1 * 0.1
    axes = Anatomy().heart_half_length * Anatomy().heart_half_breadth * Anatomy().heart_half_depth
    assert volume == pytest.approx(4 / 3 * np.pi * axes, rel=1e-3)


def test_the_apex_of_the_heart_points_to_the_left_and_down():
    section = organs.heart(body()[0], Z)
    inside = section.reach(X) > 0
    rows, columns = np.nonzero(inside)
    far_left = rows[columns == columns.max()]
    assert X[columns.max()] > -X[columns.min()]
    assert Z[far_left].mean() < Anatomy().heart_z


def test_the_right_dome_of_the_diaphragm_is_higher():
    right, left = organs.dome_heights(body())
    assert right - left == pytest.approx(Anatomy().dome_left_below_right)


def test_the_costophrenic_angle_is_the_lowest_air_at_the_lateral_wall():
    lowest = np.where(air() > 1, Z, np.inf).min(0)
    lateral, dome = np.abs(X + 128).argmin(), np.abs(X + 62).argmin()
    front_of_dome = organs.dome_heights(body())[0].item()
    assert lowest[lateral] < front_of_dome - 20
    assert lowest[dome] < front_of_dome  # lung behind the dome reaches lower than its top


def test_healthy_lungs_hold_a_few_litres_of_air():
    litres = air().sum() * (X[1] - X[0]) * (Z[1, 0] - Z[0, 0]) / 1e6
    assert 3.5 < litres < 7


@pytest.mark.parametrize(
    ("disease", "side"), [({"effusion_right": 60.0}, -1), ({"effusion_left": 60.0}, 1), ({"collapse_left": 40.0}, 1)]
)
def test_fluid_and_gas_take_lung_on_their_own_side_only(disease, side):
    lost = air() - air(**disease)
    assert lost[:, side * X > 45].sum() > 0.05 * air()[:, side * X > 45].sum()
    np.testing.assert_allclose(lost[:, side * X < -1], 0, atol=1e-3)


def test_more_fluid_leaves_less_lung():
    left = [air(effusion_right=height).sum() for height in (0.0, 30.0, 60.0, 110.0)]
    assert left == sorted(left, reverse=True)
    assert len(set(left)) == 4


def test_the_fluid_climbs_along_the_chest_wall():
    gone = (air() > 20) & (air(effusion_right=60.0) < 1)
    top = np.where(gone, Z, -np.inf).max(0)
    assert top[np.abs(X + 120).argmin()] > top[np.abs(X + 60).argmin()] + 15


def test_pleural_air_is_widest_at_the_apex():
    gone = (air() > 5) & (air(collapse_left=40.0) < 1)
    apex = gone[:, np.abs(X - 50).argmin()].sum() * (Z[1, 0] - Z[0, 0])
    lateral = gone[np.abs(Z[:, 0] - 0).argmin(), X > 60].sum() * (X[1] - X[0])
    assert apex > 25
    assert 5 < lateral < apex


def test_hyperinflation_lowers_and_flattens_the_diaphragm():
    tops = [organs.dome_heights(body(hyperinflation=growth))[0].item() for growth in (0.0, 30.0)]
    assert tops[1] == pytest.approx(tops[0] - 30)
    assert air(hyperinflation=30.0).sum() > 1.05 * air().sum()


@pytest.mark.parametrize("seed", range(20))
def test_lungs_stay_within_the_torso_of_any_patient(seed):
    patient = stack_bodies([sample_anatomy(np.random.default_rng(seed), 1.5)], [Disease()])
    lung = organs.lung(patient, X, Z).span(X)
    torso = organs.torso(patient, Z).span(X)
    seen = lung.length() > 1
    assert (lung.front <= torso.front)[seen].all()
    assert (lung.back >= torso.back)[seen].all()
