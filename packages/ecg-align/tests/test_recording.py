import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.signal import resample_poly

from medsuite.core.errors import InputError
from medsuite.ecg_align import LEADS12, Recording, canonical
from medsuite.ecg_align.recording import augmented
from medsuite.ecg_align.resampling import resample


def ecg(leads=("I", "II", "V1"), samples: int = 500, rate: float = 100.0) -> Recording:
    signal = np.random.default_rng(1).uniform(-1, 1, (len(leads), samples))
    return Recording.from_array(signal, leads, rate)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("AVR", "aVR"),
        ("avl", "aVL"),
        ("Lead I (Einthoven)", "I"),
        ("I+", "I"),
        ("ECG I", "I"),
        ("ECG aVF", "aVF"),
        ("lead_II", "II"),
        ("DIII", "III"),
        ("MLII", "II"),
        ("v3r", "V3R"),
        (" V6 ", "V6"),
        ("RESP", "RESP"),
        ("D2", "II"),
        ("Lead  aVL  (Goldberger)", "aVL"),
        ("-aVR", "-aVR"),
        ("ECG1", "ECG1"),
    ],
)
def test_lead_names_get_their_standard_spelling_and_unknown_ones_stay(spelling, name):
    assert canonical(spelling) == name


@given(st.sampled_from(["V", "mV", "uV", "nV", "µV"]))
def test_the_same_voltages_in_any_unit_are_the_same_recording(unit):
    millivolts = np.array([[0.0, 1.0, -0.5], [0.25, 0.5, 2.0]])
    per_millivolt = {"V": 1e-3, "mV": 1, "uV": 1e3, "µV": 1e3, "nV": 1e6}[unit]
    recording = Recording.from_array(millivolts * per_millivolt, ["I", "II"], 100, units=unit)
    np.testing.assert_allclose(recording.signal, millivolts, rtol=1e-12)


@pytest.mark.parametrize(
    ("scale", "guess"), [(1e3, "microvolts"), (1e-3, "volts (units='V')")], ids=["too large", "too small"]
)
def test_numbers_that_cannot_be_millivolts_are_refused_with_a_guess(scale, guess):
    with pytest.raises(InputError, match="no electrocardiogram in mV") as error:
        Recording.from_array(scale * np.array([[0.0, 1.0], [0.0, 2.0]]), ["I", "II"], 100)
    assert guess in str(error.value)


def test_a_flat_recording_has_no_range_to_judge():
    assert Recording.from_array(np.zeros((1, 5)), ["I"], 100).valid.all()


@pytest.mark.parametrize(
    ("leads", "rate", "message"),
    [
        (["I", "Lead I"], 100, "the lead I twice"),
        (["I"], 100, "1 lead names for an array of shape"),
        (["I", "II"], 0, "sampling rate 0"),
        (["I", "II"], float("nan"), "sampling rate nan"),
    ],
)
def test_names_and_rates_that_do_not_fit_are_refused(leads, rate, message):
    with pytest.raises(InputError, match=message):
        Recording.from_array(np.array([[0.0, 1.0], [0.0, 2.0]]), leads, rate)


def test_an_unknown_unit_names_the_nearest():
    with pytest.raises(InputError, match=r"unknown unit 'mVolt'.*did you mean 'mV'"):
        Recording.from_array(np.ones((1, 2)), ["I"], 100, units="mVolt")


def test_samples_that_are_not_finite_are_invalid():
    recording = Recording.from_array(np.array([[0.0, np.nan, 1.0, np.inf]]), ["I"], 100)
    assert recording.valid.tolist() == [[True, False, True, False]]


def test_leads_are_selected_by_name_in_the_wanted_order():
    recording = ecg()
    chosen = recording.select(["v1", "DI"])
    assert chosen.leads == ("V1", "I")
    np.testing.assert_array_equal(chosen.signal, recording.signal[[2, 0]])


@pytest.mark.parametrize(("wanted", "message"), [(["aVX"], "unknown lead"), ([], "at least one"), ("II", "at least")])
def test_a_lead_that_is_not_there_or_no_lead_is_refused(wanted, message):
    with pytest.raises(InputError, match=message):
        ecg().select(wanted)


def test_a_window_is_cut_in_seconds_and_must_lie_inside():
    recording = ecg(samples=500)
    np.testing.assert_array_equal(recording.window(1, 2.5).signal, recording.signal[:, 100:250])
    for start, stop in ((4, 6), (-1, 1), (2, 2)):
        with pytest.raises(InputError, match="part of 0 to 5 s"):
            recording.window(start, stop)


@given(arrays(np.float64, (2, 7), elements=st.floats(-3, 3)))
def test_derived_limb_leads_obey_einthoven_and_goldberger(values):
    leads = augmented(values[0], values[1])
    np.testing.assert_allclose(leads["III"], values[1] - values[0])
    np.testing.assert_allclose(leads["aVR"] + leads["aVL"] + leads["aVF"], 0, atol=1e-14)
    np.testing.assert_allclose(leads["aVF"], (values[1] + leads["III"]) / 2, atol=1e-14)
    np.testing.assert_allclose(leads["aVL"], (values[0] - leads["III"]) / 2, atol=1e-14)


def test_deriving_adds_what_is_missing_says_so_and_overwrites_nothing():
    recording = ecg(("I", "II", "aVR"))
    derived = recording.derive_limb()
    assert derived.leads == ("I", "II", "aVR", "III", "aVL", "aVF")
    assert derived.meta["derived"] == ("III", "aVL", "aVF")
    np.testing.assert_array_equal(derived.signal[2], recording.signal[2])
    assert derived.derive_limb() is derived


def test_a_sample_that_is_lost_in_lead_one_is_lost_in_what_is_derived_from_it():
    signal = np.array([[0.0, np.nan, 1.0], [0.0, 1.0, 0.5]])
    derived = Recording.from_array(signal, ["I", "II"], 100).derive_limb().select(["III"])
    assert derived.valid.tolist() == [[True, False, True]]


def test_the_residual_finds_swapped_augmented_leads_in_microvolts():
    derived = ecg(("I", "II")).derive_limb()
    assert max(derived.limb_residual().values()) < 1e-10
    order = [0, 1, 2, 3, 5, 4]
    swapped = Recording.from_array(derived.signal[order], derived.leads, 100).limb_residual()
    by_hand = 1e3 * np.sqrt(np.mean((derived.select(["aVF"]).signal - derived.select(["aVL"]).signal) ** 2))
    assert swapped["aVL"] == pytest.approx(by_hand)
    assert swapped["III"] < 1e-10


@settings(max_examples=25)
@given(st.sampled_from([100.0, 250.0, 257.0, 360.0]), st.floats(-1, 1), st.floats(-0.5, 0.5))
def test_resampling_is_exact_on_straight_lines(rate, offset, slope):
    times = np.arange(1000) / 500
    made = resample((offset + slope * times)[None], 500, rate)[0]
    np.testing.assert_allclose(made, offset + slope * np.arange(len(made)) / rate, atol=1e-12)


def test_resampling_is_exact_on_a_sine_that_repeats_and_close_to_a_polyphase_filter_inside():
    times = np.arange(5000) / 500
    sine = np.sin(2 * np.pi * 7 * times) * np.hanning(5000)
    made = resample(sine[None], 500, 100)[0]
    np.testing.assert_allclose(made, sine[::5], atol=1e-6)
    np.testing.assert_allclose(made[50:-50], resample_poly(sine, 1, 5)[50:-50], atol=1e-3)


@settings(max_examples=40)
@given(
    count=st.integers(2500, 2700),
    rate=st.sampled_from([250.0, 257.0, 360.0, 500.0, 1000.0, 333.3]),
    new_rate=st.sampled_from([100.0, 128.0, 250.0, 500.0]),
)
def test_sample_k_lies_at_k_periods_of_the_new_rate_whatever_the_length(count, rate, new_rate):
    """The Fourier method alone stretches a record that holds no whole number of new samples to fit."""

    def wave(seconds):
        return np.exp(-((seconds - 1.1) ** 2) / 0.01) * np.sin(2 * np.pi * 9 * seconds)

    made = resample(wave(np.arange(count) / rate)[None], rate, new_rate)[0]
    assert len(made) == round(count * new_rate / rate)
    np.testing.assert_allclose(made, wave(np.arange(len(made)) / new_rate), atol=1e-5)


@settings(max_examples=25)
@given(arrays(np.float64, (2, 500), elements=st.floats(-3, 3)), st.sampled_from([(500, 100), (100, 250), (500, 360)]))
def test_without_a_drift_resampling_is_scipys(values, rates):
    values[:, -1] = values[:, 0]
    expected = scipy.signal.resample(values, 500 * rates[1] // rates[0], axis=1)
    np.testing.assert_allclose(resample(values, *rates), expected, atol=1e-9)


@given(arrays(np.float64, (1, 60), elements=st.floats(-3, 3)), st.floats(-2, 2), st.floats(-2, 2))
def test_resampling_is_linear(values, offset, factor):
    made = resample(offset + factor * values, 100, 73)
    np.testing.assert_allclose(made, offset + factor * resample(values, 100, 73), atol=1e-9)


def test_resampling_keeps_what_lies_at_a_lost_sample_invalid_and_bridges_it():
    signal = np.linspace(0, 1, 1000)[None].copy()
    signal[0, 500:510] = np.nan
    made = Recording.from_array(signal, ["I"], 500).resample(100)
    assert made.rate == 100
    assert np.flatnonzero(~made.valid[0]).tolist() == [100, 101]
    assert np.isfinite(made.signal).all()


def test_resampling_needs_a_rate_and_a_valid_sample():
    with pytest.raises(InputError, match="positive number"):
        ecg().resample(-1)
    with pytest.raises(InputError, match="lead I has no valid sample"):
        Recording.from_array(np.full((1, 10), np.nan), ["I"], 100).resample(50)


def test_the_standard_twelve_are_their_own_spelling():
    assert [canonical(name) for name in LEADS12] == list(LEADS12)
