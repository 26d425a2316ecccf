"""On the real recording in pydicom: a Mortara cart's 12 leads of 10 s at 1,000 Hz."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from medsuite.core.errors import InputError
from medsuite.ecg_align import LEADS12, read_dicom, read_recording

REAL = Path(str(get_testdata_file("waveform_ecg.dcm")))


def changed(folder: Path, change) -> Path:
    dataset = pydicom.dcmread(REAL)
    change(dataset)
    dataset.save_as(folder / "changed.dcm")
    return folder / "changed.dcm"


def test_the_rhythm_is_pydicoms_array_in_millivolts():
    recording = read_recording(REAL)
    microvolts = pydicom.dcmread(REAL).waveform_array(0).T
    np.testing.assert_allclose(recording.signal, microvolts / 1000, rtol=1e-12, atol=1e-15)
    assert recording.leads == LEADS12
    assert (recording.rate, recording.seconds) == (1000, 10)


def test_the_real_recording_has_the_voltages_that_were_noted_from_it():
    second = read_recording(REAL).select(["II"]).signal[0]
    assert [second.mean(), second.std(), second.min(), second.max()] == pytest.approx(
        [0.090859, 0.170214, -0.20875, 1.13750], abs=1e-6
    )
    np.testing.assert_allclose(read_recording(REAL).signal[0, :3], [0.1, 0.08125, 0.0625])


def test_the_real_recording_obeys_the_limb_identities_to_half_a_converter_step():
    recording = read_recording(REAL)
    assert recording.limb_residual()["III"] < 1e-9
    derived = recording.select(["I", "II"]).derive_limb()
    difference = recording.select(list(derived.leads)).signal - derived.signal
    assert np.abs(difference).max() <= 0.000625 + 1e-12


def test_the_carts_own_statements_and_measurements_come_along():
    meta = read_recording(REAL).meta
    assert meta["statements"] == ("RITMO SINUSALE", "ECG NORMALE")
    assert meta["measurements"]["RR Interval"] == (982.0, "ms")
    assert meta["measurements"]["QRS Axis"] == (52.0, "deg")


def test_the_median_beat_is_another_group_and_never_joined_to_the_rhythm():
    median = read_dicom(REAL, group="median")
    assert median.seconds == pytest.approx(1.2)
    np.testing.assert_allclose(median.signal, pydicom.dcmread(REAL).waveform_array(1).T / 1000, rtol=1e-12, atol=1e-15)


def test_each_channel_is_converted_from_its_own_unit(tmp_path):
    def in_millivolts(dataset):
        channel = dataset.WaveformSequence[0].ChannelDefinitionSequence[1]
        channel.ChannelSensitivityUnitsSequence[0].CodeValue = "mV"
        channel.ChannelSensitivity = float(channel.ChannelSensitivity) / 1000

    np.testing.assert_allclose(
        read_recording(changed(tmp_path, in_millivolts)).signal, read_recording(REAL).signal, atol=1e-9
    )


def test_a_channel_of_an_unknown_scheme_is_named_by_its_meaning(tmp_path):
    def rename(dataset):
        source = dataset.WaveformSequence[0].ChannelDefinitionSequence[0].ChannelSourceSequence[0]
        source.CodingSchemeDesignator, source.CodeMeaning = "LOCAL", "Lead I (Einthoven)"

    assert read_recording(changed(tmp_path, rename)).leads == LEADS12


def remove_waveform(dataset):
    del dataset.WaveformSequence


def empty_waveform(dataset):
    dataset.WaveformSequence = []


def remove_median(dataset):
    del dataset.WaveformSequence[1]


def remove_unit(dataset):
    del dataset.WaveformSequence[0].ChannelDefinitionSequence[0].ChannelSensitivityUnitsSequence


@pytest.mark.parametrize(
    ("change", "group", "message"),
    [
        (remove_waveform, "rhythm", "DICOM without a waveform"),
        (empty_waveform, "rhythm", "without a waveform|empty waveform sequence"),
        (remove_median, "median", "no median group.*ORIGINAL"),
        (remove_unit, "rhythm", "no sensitivity unit"),
    ],
)
def test_what_is_no_electrocardiogram_is_refused_in_one_line(tmp_path, change, group, message):
    with pytest.raises(InputError, match=message):
        read_dicom(changed(tmp_path, change), group=group)


ELEMENTS = [
    "WaveformData",
    "NumberOfWaveformChannels",
    "NumberOfWaveformSamples",
    "SamplingFrequency",
    "WaveformBitsAllocated",
    "WaveformSampleInterpretation",
    "ChannelDefinitionSequence",
]


@pytest.mark.parametrize("element", ELEMENTS)
def test_a_waveform_that_lacks_an_element_is_refused_in_one_line(tmp_path, element):
    with pytest.raises(InputError, match=r"changed\.dcm") as error:
        read_dicom(changed(tmp_path, lambda dataset: delattr(dataset.WaveformSequence[0], element)))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("element", "value", "message"),
    [
        ("SamplingFrequency", 0, "at 0 Hz"),
        ("NumberOfWaveformSamples", 20_000, "its rhythm group cannot be read"),
        ("NumberOfWaveformSamples", 0, "0 samples"),
        ("WaveformSampleInterpretation", "MB", "its rhythm group cannot be read"),
        ("ChannelDefinitionSequence", [], "cannot be read|lead names"),
    ],
)
def test_elements_that_contradict_the_samples_are_refused(tmp_path, element, value, message):
    with pytest.raises(InputError, match=message):
        read_dicom(changed(tmp_path, lambda dataset: setattr(dataset.WaveformSequence[0], element, value)))


def test_a_channel_without_a_source_and_one_in_another_quantity_are_refused(tmp_path):
    def lose_source(dataset):
        del dataset.WaveformSequence[0].ChannelDefinitionSequence[3].ChannelSourceSequence

    def measure_pressure(dataset):
        channel = dataset.WaveformSequence[0].ChannelDefinitionSequence[3]
        channel.ChannelSensitivityUnitsSequence[0].CodeValue = "mm[Hg]"

    with pytest.raises(InputError, match="its rhythm group cannot be read"):
        read_dicom(changed(tmp_path, lose_source))
    with pytest.raises(InputError, match=r"changed\.dcm lead aVR: unknown unit 'mm\[Hg\]'"):
        read_dicom(changed(tmp_path, measure_pressure))


def test_samples_that_hold_the_padding_value_were_not_measured(tmp_path):
    stored = pydicom.dcmread(REAL).waveform_array(0) / 1.25
    padding = int(stored[17, 4])

    def declare(dataset):
        dataset.WaveformSequence[0].add_new("WaveformPaddingValue", "OW", np.array([padding], "<i2").tobytes())

    recording = read_dicom(changed(tmp_path, declare))
    np.testing.assert_array_equal(recording.valid, np.rint(stored.T) != padding)
    assert not recording.valid[4, 17]


def test_correction_factor_and_baseline_count_as_the_standard_says(tmp_path):
    """PS3.3 C.10.9: voltage = stored value x sensitivity x correction factor + baseline."""

    def adjust(dataset):
        channel = dataset.WaveformSequence[0].ChannelDefinitionSequence[2]
        channel.ChannelSensitivityCorrectionFactor, channel.ChannelBaseline = 1.5, 40

    before, after = read_dicom(REAL).signal, read_dicom(changed(tmp_path, adjust)).signal
    np.testing.assert_allclose(after[2], 1.5 * before[2] + 0.040, atol=1e-12)
    np.testing.assert_array_equal(np.delete(after, 2, 0), np.delete(before, 2, 0))


def test_leads_are_read_by_name_from_dicom_too():
    chosen = read_recording(REAL, leads=["V2", "I"])
    assert chosen.leads == ("V2", "I")
    np.testing.assert_array_equal(chosen.signal, read_recording(REAL).signal[[7, 0]])


def test_codes_of_the_mdc_scheme_name_the_leads_as_well(tmp_path):
    def recode(dataset):
        for channel in dataset.WaveformSequence[0].ChannelDefinitionSequence:
            source = channel.ChannelSourceSequence[0]
            source.CodeValue = f"2:{str(source.CodeValue).rpartition('-')[2]}"
            source.CodingSchemeDesignator, source.CodeMeaning = "MDC", "something else"

    assert read_dicom(changed(tmp_path, recode)).leads == LEADS12


def test_an_annotation_with_several_numbers_is_no_measurement(tmp_path):
    def add(dataset):
        entry = next(entry for entry in dataset.WaveformAnnotationSequence if "NumericValue" in entry)
        entry.NumericValue = [1, 2]

    before, after = read_dicom(REAL).meta["measurements"], read_dicom(changed(tmp_path, add)).meta["measurements"]
    assert len(after) == len(before) - 1


@pytest.mark.parametrize("kept", [200, 5000, 100_000])
def test_a_cut_file_is_refused(tmp_path, kept):
    (tmp_path / "cut.dcm").write_bytes(REAL.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"cut\.dcm"):
        read_recording(tmp_path / "cut.dcm")


def test_a_missing_file_and_another_format_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_dicom(tmp_path / "no.dcm")
    (tmp_path / "text.dcm").write_text("not DICOM at all")
    with pytest.raises(InputError, match="cannot be read as DICOM"):
        read_dicom(tmp_path / "text.dcm")
