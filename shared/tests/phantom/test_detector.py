import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from medsuite.core.errors import InputError
from medsuite.core.phantom import Acquisition
from medsuite.core.phantom.detector import blur, count, develop, expose, harden

IDEAL = Acquisition.ideal()


def flat(value: float, size: int = 32, films: int = 1) -> np.ndarray:
    return np.full((films, size, size), value, np.float32)


def generators(films: int = 1) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in range(films)]


@pytest.mark.parametrize("line_integral", [0.0, 1.5, 4.0])
def test_without_scatter_and_hardening_the_beam_follows_beer_lambert(line_integral):
    exposure = expose(flat(line_integral), generators(), IDEAL, 1.5)
    np.testing.assert_allclose(exposure.total, math.exp(-line_integral), rtol=1e-5)
    np.testing.assert_allclose(-np.log(count(exposure, generators())), line_integral, atol=1e-5)


def test_hardening_is_the_second_cumulant_of_a_spectrum():
    weights, relative = np.array([0.25, 0.5, 0.25]), np.array([0.8, 1.0, 1.2])
    variance = float(weights @ (relative - 1) ** 2)
    for length in (0.5, 1.0, 2.0):
        exact = -np.log(weights @ np.exp(-relative * length))
        assert harden(np.array([length]), variance).item() == pytest.approx(exact, abs=2e-3)
        assert abs(exact - harden(np.array([length]), variance).item()) < 0.2 * abs(exact - length)


@settings(deadline=None)
@given(st.floats(0, 8), st.floats(0.01, 2), st.floats(0, 0.05))
def test_more_material_always_attenuates_more(length, more, hardening):
    assert np.diff(harden(np.array([length, length + more]), hardening)) > 0


def test_beyond_where_the_expansion_holds_the_film_stays_bright():
    dense = harden(np.array([20.0, 1 / 0.03, 40.0, 400.0]), 0.03)
    assert (np.diff(dense) >= 0).all()


@pytest.mark.parametrize("fraction", [0.2, 0.45, 0.8])
def test_scatter_is_its_fraction_of_the_total_on_a_uniform_film(fraction):
    exposure = expose(flat(2.0), generators(), replace(IDEAL, scatter_fraction=fraction), 5.0)
    np.testing.assert_allclose(1 - exposure.primary / exposure.total, fraction, rtol=1e-3)


def test_scatter_dilutes_contrast_most_behind_dense_organs():
    line_integral = flat(1.5, 64)
    line_integral[:, 24:40, 24:40] = 4.5
    exposure = expose(line_integral, generators(), replace(IDEAL, scatter_fraction=0.45), 5.0)
    signal = exposure.signal(flat(0.2, 64), np.array([0]))[0]
    assert signal[32, 32] < 0.4 * signal[5, 5] < 0.2 * 0.4


@pytest.mark.parametrize("sigma", [0.4, 1.5, 3.0, 9.0])
def test_blur_is_the_gaussian_filter_of_scipy_away_from_the_edges(sigma):
    image = np.random.default_rng(0).random((2, 128, 128)).astype(np.float32)
    expected = gaussian_filter(image.astype(float), (0, sigma, sigma), truncate=8)
    np.testing.assert_allclose(blur(image, sigma)[:, 40:-40, 40:-40], expected[:, 40:-40, 40:-40], atol=2e-4)


@pytest.mark.parametrize("sigma", [0.0, 0.4, 3.0, 30.0])
def test_blur_keeps_a_flat_film_flat(sigma):
    np.testing.assert_allclose(blur(flat(0.7), sigma), 0.7, rtol=1e-5)


def test_the_edge_response_has_the_stated_transfer_function():
    size, pitch, sigma = 256, 0.5, 1.2
    acquisition = replace(IDEAL, blur_mm=sigma)
    impulse = flat(0.0, size)
    impulse[0, size // 2, size // 2] = -1.0
    response = expose(impulse, generators(), acquisition, pitch).total[0] - 1
    line = response.sum(0)
    transfer = np.abs(np.fft.rfft(line)) / np.abs(line.sum())
    frequency = np.fft.rfftfreq(size, pitch)
    expected = np.exp(-2 * np.pi**2 * sigma**2 * frequency**2)
    np.testing.assert_allclose(transfer[frequency < 0.5], expected[frequency < 0.5], atol=0.02)


def test_counts_have_the_mean_and_the_variance_of_poisson():
    acquisition = replace(IDEAL, photons_per_mm2=200.0)
    exposure = expose(flat(1.0, 256), generators(), acquisition, 1.0)
    counts = count(exposure, generators()) * 200
    expected = 200 * math.exp(-1)
    assert counts.mean() == pytest.approx(expected, rel=0.005)
    assert counts.var() == pytest.approx(expected, rel=0.02)
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-3)


def test_the_stated_noise_is_that_of_the_logarithm():
    exposure = expose(flat(1.0, 256), generators(), replace(IDEAL, photons_per_mm2=500.0), 1.0)
    film = -np.log(count(exposure, generators()))
    assert film.std() == pytest.approx(exposure.noise(np.array([0])).mean(), rel=0.02)


def test_four_times_the_quanta_halve_the_noise():
    spread = [
        np.log(count(expose(flat(2.0, 128), generators(), replace(IDEAL, photons_per_mm2=n), 1.0), generators())).std()
        for n in (1000.0, 4000.0)
    ]
    assert spread[0] / spread[1] == pytest.approx(2, rel=0.05)


def test_bigger_pixels_collect_more_quanta():
    exposures = [expose(flat(0.0), generators(), replace(IDEAL, photons_per_mm2=10.0), pitch) for pitch in (1.0, 3.0)]
    assert exposures[1].quanta.item() == pytest.approx(9 * exposures[0].quanta.item())


def test_exposures_vary_between_films_by_the_stated_spread():
    acquisition = replace(IDEAL, photons_per_mm2=100.0, exposure_spread=0.4)
    quanta = expose(flat(0.0, 16, 400), generators(400), acquisition, 1.0).quanta
    assert np.log(quanta).std() == pytest.approx(0.4, rel=0.12)


def test_starved_pixels_stay_finite():
    acquisition = replace(IDEAL, photons_per_mm2=0.01)
    assert np.isfinite(
        develop(count(expose(flat(9.0), generators(), acquisition, 1.0), generators()), IDEAL, 1.0)
    ).all()


def test_a_film_fills_the_range_from_dark_to_bright_in_its_middle():
    counted = np.exp(-np.random.default_rng(0).uniform(0, 4, (2, 64, 64))).astype(np.float32)
    film = develop(counted, Acquisition(), 5.0)
    assert film.min() == 0
    assert film.max() == 1
    assert 0.3 < film.mean() < 0.7


def test_a_uniform_film_does_not_divide_by_its_range():
    assert np.isfinite(develop(flat(0.5), IDEAL, 5.0)).all()


def test_compression_evens_out_wide_differences_and_keeps_fine_ones():
    columns = np.linspace(0, 4, 128)
    wave = 0.1 * np.sin(2 * np.pi * np.arange(128) / 6)
    counted = np.exp(-np.broadcast_to(columns + wave, (1, 128, 128))).astype(np.float32)

    def fine(compression: float) -> float:
        row = develop(counted, replace(IDEAL, compression=compression), 2.7)[0, 64, 30:98]
        return float(np.diff(row, 2).std())

    assert fine(0.5) > 1.4 * fine(0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"photons_per_mm2": 0.0}, "photons_per_mm2 0.0"),
        ({"photons_per_mm2": 1e13}, "at most 1e12"),
        ({"field_of_view_mm": -1.0}, "field_of_view_mm"),
        ({"scatter_fraction": 1.0}, "scatter_fraction 1.0"),
        ({"compression": -0.1}, "compression"),
        ({"blur_mm": math.inf}, "blur_mm inf"),
        ({"exposure_spread": math.nan}, "exposure_spread nan"),
        ({"hardening": 0.2}, "hardening 0.2"),
        ({"window": (99.0, 1.0)}, "window"),
        ({"rose": 0.0}, "rose"),
    ],
)
def test_impossible_acquisitions_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        replace(Acquisition(), **change)
