import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medsuite.core.errors import InputError, MedsuiteError
from medsuite.ecg_align import read_recording, read_wfdb

COUNTS = np.array([[0, 100], [500, -200], [-500, 700]], dtype="<i2")
HEADER = "rec 2 500 3\nrec.dat 16 1000(0)/mV 16 0 0 0 0 I\nrec.dat 16 1000(0)/mV 16 0 100 0 0 II\n"


@pytest.fixture
def record(tmp_path) -> Path:
    COUNTS.tofile(tmp_path / "rec.dat")
    (tmp_path / "rec.hea").write_text(HEADER)
    return tmp_path / "rec.hea"


def edit(record: Path, old: str, new: str) -> None:
    text = record.read_text()
    assert old in text
    record.write_text(text.replace(old, new))


def test_samples_are_counts_less_baseline_over_gain_in_millivolts(record):
    edit(record, "16 1000(0)/mV 16 0 100", "16 250(100)/mV 16 0 100")
    recording = read_recording(record)
    assert recording.leads == ("I", "II")
    np.testing.assert_array_equal(recording.signal, [[0, 0.5, -0.5], [0, -300 / 250, 600 / 250]])


def test_two_units_in_one_record_are_both_converted(record):
    edit(record, "16 1000(0)/mV 16 0 100", "16 1(0)/uV 16 0 100")
    np.testing.assert_allclose(read_recording(record).signal[1], [0.1, -0.2, 0.7])


@pytest.mark.parametrize("name", ["rec", "rec.hea", "rec.dat"])
def test_a_record_is_found_by_name_header_or_signal_file(record, name):
    assert read_recording(record.parent / name).signal.shape == (2, 3)


def test_without_a_baseline_the_adc_zero_counts(record):
    edit(record, "1000(0)/mV 16 0 100", "1000/mV 16 100 100")
    assert read_recording(record).signal[1, 0] == 0


def test_gain_zero_means_200_and_is_flagged(record):
    edit(record, "16 1000(0)/mV 16 0 100", "16 0(0)/mV 16 0 100")
    recording = read_recording(record)
    assert recording.signal[1, 0] == 0.5
    assert recording.meta["uncalibrated"] == ("II",)


def test_a_header_without_units_is_millivolts_only_if_the_range_is_one(record):
    record.write_text(record.read_text().replace("/mV", ""))
    np.testing.assert_array_equal(read_recording(record).signal[0], [0, 0.5, -0.5])
    record.write_text(record.read_text().replace("1000(0)", "1(0)"))
    with pytest.raises(InputError, match=r"names no unit.*microvolts"):
        read_recording(record)
    np.testing.assert_array_equal(read_recording(record, units="uV").signal[0], [0, 0.5, -0.5])
    with pytest.raises(InputError, match="unknown unit 'furlong'; expected one of V, mV"):
        read_recording(record, units="furlong")


def test_a_file_with_fewer_samples_than_announced_is_refused_with_both_counts(record):
    edit(record, "500 3", "500 4")
    with pytest.raises(InputError, match=r"announces 4 samples of 2 leads and rec.dat holds 3.*the file is cut"):
        read_wfdb(record, strict=False)


def test_a_file_with_more_samples_is_refused_unless_the_announced_ones_are_wanted(record):
    edit(record, "500 3", "500 2")
    with pytest.raises(InputError, match=r"announces 2 .* holds 3.*strict=False"):
        read_wfdb(record)
    assert read_wfdb(record, strict=False).signal.shape == (2, 2)


def test_a_file_that_ends_inside_a_frame_is_refused(record):
    (record.parent / "rec.dat").write_bytes(COUNTS.tobytes()[:-2])
    edit(record, "500 3", "500 2")
    with pytest.raises(InputError, match=r"holds 2\.5"):
        read_wfdb(record)


def test_an_empty_signal_file_is_refused_even_if_no_length_is_announced(record):
    (record.parent / "rec.dat").write_bytes(b"")
    edit(record, "500 3", "500")
    with pytest.raises(InputError, match="at least one"):
        read_wfdb(record)


@pytest.mark.parametrize("name", ["../rec.dat", "/etc/passwd", "..\\rec.dat"])
def test_a_header_may_name_files_in_its_own_folder_only(record, name):
    record.write_text(HEADER.replace("rec.dat", name))
    with pytest.raises(InputError, match="own folder"):
        read_recording(record)


def test_a_link_out_of_the_folder_is_refused(record, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.dat"
    COUNTS.tofile(outside)
    (record.parent / "link.dat").symlink_to(outside)
    record.write_text(HEADER.replace("rec.dat", "link.dat"))
    with pytest.raises(InputError, match="own folder"):
        read_recording(record)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("# only a comment\n", "is empty"),
        ("a b c\n", "begins with 'a b c'"),
        ("rec 2 500 3\nrec.dat 16 1000/mV\n", "1 signal lines.*the 2 that it announces"),
        ("rec 1 500 3\nrec.dat sixteen\n", "cannot be read"),
        (HEADER.replace(" I\n", " II\n"), "the lead II twice"),
        (HEADER.replace("/mV", "/mmHg"), "unknown unit 'mmHg'"),
        ("rec/3 2 500 30\n", "3 segments"),
        (HEADER.replace(" 16 1000", " 999 1000"), "storage format 999; expected one of 8, 16"),
        ("rec 0 500 3\n", "no signal"),
    ],
)
def test_broken_headers_are_one_line_that_says_what_is_wrong(record, content, message):
    record.write_text(content)
    with pytest.raises(InputError, match=message):
        read_recording(record)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (" 500 ", " 0 ", "the sampling rate 0"),
        (" 500 ", " -500 ", "the sampling rate -500"),
        (" 500 ", " 5.0.0 ", r"the sampling rate '5\.0\.0'"),
        (" 500 ", " 1e999 ", "the sampling rate '1e999'"),
        ("1000(0)", "1e+e(0)", r"the gain '1e\+e'"),
    ],
)
def test_numbers_that_are_none_are_refused(record, old, new, message):
    record.write_text(record.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        read_recording(record)


def test_signals_without_a_name_are_told_apart_by_nothing_and_refused(record):
    record.write_text(HEADER.replace(" I\n", "\n").replace(" II\n", "\n"))
    with pytest.raises(InputError, match="gives 2 of its 2 signals no name"):
        read_recording(record)


def test_a_byte_too_many_is_a_file_that_does_not_fit(record):
    signal_file = record.parent / "rec.dat"
    signal_file.write_bytes(signal_file.read_bytes() + b"x")
    with pytest.raises(InputError, match=r"holds 3\.25"):
        read_wfdb(record)
    assert read_wfdb(record, strict=False).signal.shape == (2, 3)


@pytest.mark.parametrize("path", ["absent.hea", "rec", "."])
def test_the_reader_itself_names_a_header_that_cannot_be_read(record, path):
    with pytest.raises(InputError, match="cannot be read"):
        read_wfdb(record.parent / path)


def test_leads_are_read_by_name_in_the_wanted_order(record):
    whole = read_recording(record)
    chosen = read_recording(record, leads=["lead II", "DI"])
    assert chosen.leads == ("II", "I")
    np.testing.assert_array_equal(chosen.signal, whole.signal[[1, 0]])
    with pytest.raises(InputError, match=r"unknown lead 'V9'"):
        read_recording(record, leads=["V9"])


def test_a_monitors_record_is_read_without_the_signals_that_are_no_voltage(record):
    edit(record, "16 1000(0)/mV 16 0 100 0 0 II", "16 1000(0)/mmHg 16 0 100 0 0 ABP")
    with pytest.raises(InputError, match=r"rec\.hea lead ABP: unknown unit 'mmHg'.*leads="):
        read_recording(record)
    assert read_recording(record, leads=["I"]).leads == ("I",)


def test_a_name_that_two_signals_share_is_refused_only_where_it_is_wanted(record):
    COUNTS_OF_THREE = np.hstack([COUNTS, COUNTS[:, :1]])
    COUNTS_OF_THREE.tofile(record.parent / "rec.dat")
    record.write_text(HEADER.replace("rec 2", "rec 3") + "rec.dat 16 1000(0)/mV 16 0 0 0 0 II\n")
    assert read_recording(record, leads=["I"]).signal.shape == (1, 3)
    with pytest.raises(InputError, match="lead II is there twice"):
        read_recording(record, leads=["II"])


@given(
    position=st.integers(0, len(HEADER) - 1),
    replacement=st.sampled_from(list("0 9-+./:()exI#\n\t\x00é,")) | st.just(""),
    cut=st.integers(0, len(HEADER)),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_header_with_a_wrong_letter_is_read_or_refused_and_nothing_else(record, position, replacement, cut):
    text = HEADER[:position] + replacement + HEADER[position + 1 :]
    record.write_text(text if cut > len(HEADER) // 2 else text[:cut])
    with contextlib.suppress(MedsuiteError):
        recording = read_recording(record)
        assert recording.signal.shape == recording.valid.shape == (len(recording.leads), 3)
        assert np.isfinite(recording.rate)
        assert recording.rate > 0


def test_a_missing_signal_file_is_named(record):
    (record.parent / "rec.dat").unlink()
    with pytest.raises(InputError, match=r"rec\.dat, which is not there"):
        read_recording(record)


def test_headers_in_other_encodings_keep_their_letters(record):
    record.write_bytes((HEADER + "# Müller\n").encode("cp1252"))
    recording = read_recording(record)
    assert recording.meta["comments"] == ("Müller",)
    assert recording.meta["encoding"] == "cp1252"


def test_a_folder_a_missing_record_and_another_file_are_refused_with_what_is_there(record):
    with pytest.raises(InputError, match=r"is a folder.*1 recordings, such as rec\.hea"):
        read_recording(record.parent)
    with pytest.raises(InputError, match=r"does not exist.*such as rec\.hea"):
        read_recording(record.parent / "recc")
    other = record.parent / "notes.txt"
    other.write_text("no recording")
    with pytest.raises(InputError, match="a DICOM file or a WFDB record"):
        read_recording(other)
