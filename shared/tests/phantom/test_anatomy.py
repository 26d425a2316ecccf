from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.core.phantom import Anatomy, sample_anatomy
from medsuite.core.phantom.body import Disease, stack_bodies
from medsuite.core.phantom.materials import MATERIALS, replacing

LENGTHS = [entry for entry in fields(Anatomy) if entry.metadata.get("scales")]


def sample(seed: int, variation: float = 1.0) -> Anatomy:
    return sample_anatomy(np.random.default_rng(seed), variation)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 1.5))
def test_the_same_generator_draws_the_same_patient(seed, variation):
    assert sample(seed, variation) == sample(seed, variation)


def test_another_seed_draws_another_patient():
    assert sample(1) != sample(2)


def test_without_variation_everybody_is_the_mean_adult_with_vessels_of_their_own():
    patient = sample(5, 0.0)
    assert replace(patient, vessel_seed=0) == Anatomy()
    assert patient.vessel_seed != sample(6, 0.0).vessel_seed


def test_the_spread_of_a_parameter_is_what_the_table_says():
    drawn = np.array([sample(seed).carina for seed in range(600)])
    assert drawn.mean() == pytest.approx(58, abs=0.6)
    assert drawn.std() == pytest.approx(np.hypot(4.0, 0.03 * 58) * 0.88, rel=0.1)  # 0.88: cut at two deviations


def test_half_the_variation_is_half_the_spread():
    drawn = np.array([[sample(seed, share).heart_axis for seed in range(50)] for share in (0.5, 1.0)])
    np.testing.assert_allclose(drawn[0] - 38, 0.5 * (drawn[1] - 38), atol=1e-9)


def test_big_patients_are_big_throughout():
    sizes = np.array([[getattr(sample(seed), entry.name) / entry.default for entry in LENGTHS if entry.default > 100]
                      for seed in range(300)])  # fmt: skip
    assert (np.corrcoef(sizes.T)[np.triu_indices(sizes.shape[1], 1)] > 0.1).mean() > 0.9


def test_no_breast_is_thinner_than_nothing():
    assert min(sample(seed, 1.5).breast_depth for seed in range(200)) == 0.0


@pytest.mark.parametrize("variation", [-0.1, 1.6, np.nan, np.inf])
def test_variation_outside_its_range_is_refused(variation):
    with pytest.raises(InputError, match=r"variation .* 0 to 1.5"):
        sample(0, variation)


def test_a_diaphragm_above_the_lungs_is_refused():
    with pytest.raises(InputError, match="diaphragm at 200"):
        Anatomy(dome_right=200.0)


def test_stacked_bodies_hold_every_parameter_of_patient_and_disease():
    patients, diseases = [sample(1), sample(2)], [Disease(), Disease(heart_growth=30.0)]
    body = stack_bodies(patients, diseases)
    for name in body.dtype.names:
        source = patients if hasattr(patients[0], name) else diseases
        np.testing.assert_allclose(body[name], [getattr(entry, name) for entry in source], rtol=1e-6, err_msg=name)
    assert set(body.dtype.names) == {entry.name for kind in (Anatomy, Disease) for entry in fields(kind)} - {
        "vessel_seed"
    }


@pytest.mark.parametrize(
    ("material", "mass_attenuation", "density"),
    [("soft tissue", 0.2059, 1.0), ("fat", 0.1974, 0.95), ("cortical bone", 0.3148, 1.92), ("metal", 0.766, 4.54)],
)
def test_attenuation_is_the_tabulated_one_at_60_kev_times_density(material, mass_attenuation, density):
    assert MATERIALS[material] == pytest.approx(0.1 * mass_attenuation * density, rel=0.01)


def test_replacing_a_tissue_by_itself_changes_nothing():
    assert all(replacing(name, name) == 0 for name in MATERIALS)
    assert replacing("air", "lung") < 0 < replacing("calcification", "lung")
