import numpy as np
import pytest

from medsuite.core.phantom import MATERIALS
from medsuite.med_r1.simulation.contrast import (
    CT_LEVEL_HU,
    CT_WIDTH_HU,
    TISSUES,
    hounsfield,
    magnetic_signal,
    render_ct,
    render_mr,
    spin_echo,
)


def test_water_is_zero_and_air_minus_a_thousand_hounsfield_units():
    values = hounsfield(np.array([MATERIALS["fluid"], MATERIALS["air"]]))
    assert values[0] == 0
    assert values[1] == pytest.approx(-1000, abs=2)


@pytest.mark.parametrize("name", TISSUES)
def test_the_signal_is_the_bloch_equation_solved_step_by_step(name):
    """Integrate dMz/dt = (M0 - Mz)/T1 over TR from saturation, then dMxy/dt = -Mxy/T2 over TE."""
    tissue, steps = TISSUES[name], 200_000
    longitudinal = 0.0
    for _ in range(steps):
        longitudinal += (tissue.protons - longitudinal) / tissue.t1_ms * (3000 / steps)
    decay = (1 - 20 / steps / tissue.t2_ms) ** steps
    assert spin_echo(tissue) == pytest.approx(longitudinal * decay, rel=2e-3, abs=1e-6)


def test_a_material_has_its_own_signal_and_a_mixture_lies_between():
    signals = magnetic_signal(np.array([MATERIALS[name] for name in TISSUES]))
    assert signals == pytest.approx([spin_echo(tissue) for tissue in TISSUES.values()])
    half = 0.5 * (MATERIALS["fat"] + MATERIALS["soft tissue"])
    between = 0.5 * (spin_echo(TISSUES["fat"]) + spin_echo(TISSUES["soft tissue"]))
    assert magnetic_signal(np.array([half]))[0] == pytest.approx(between)


def test_the_same_lesion_is_bright_on_one_and_dark_on_another():
    lung, calcified = MATERIALS["lung"], MATERIALS["calcification"]
    ct = hounsfield(np.array([lung, calcified]))
    mr = magnetic_signal(np.array([lung, calcified]))
    assert ct[1] > ct[0]
    assert mr[1] < mr[0]


def test_a_ct_slice_shows_the_window_with_gaussian_noise(rng):
    plane = np.full((60, 60), MATERIALS["lung"])
    grey = (hounsfield(plane).mean() - CT_LEVEL_HU) / CT_WIDTH_HU + 0.5
    image = render_ct(plane, 60.0, rng)
    assert image.mean() == pytest.approx(grey, abs=0.003)
    assert image.std() == pytest.approx(60 / CT_WIDTH_HU, rel=0.05)


def test_an_mr_slice_of_air_has_rayleigh_noise(rng):
    image = render_mr(np.full((80, 80), MATERIALS["air"]), 0.05, rng)
    assert image.mean() == pytest.approx(0.05 * np.sqrt(np.pi / 2) / 0.65, rel=0.03)


def test_pictures_stay_between_black_and_white(rng):
    plane = rng.uniform(0, 0.1, (20, 20))
    for image in (render_ct(plane, 500.0, rng), render_mr(plane, 0.5, rng)):
        assert image.min() >= 0
        assert image.max() <= 1
