"""The direct reader against the `wfdb` package, on files that the package wrote."""

from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.ecg_align import read_recording
from medsuite.ecg_align.readers.wfdb_header import read_header

NAMES = ["I", "II", "V1"]
GAINS = [1000.0, 200.0, 4.88]


def write(folder: Path, form: str, baselines=(0, 0, 0), gains=GAINS, **further) -> np.ndarray:
    top = {"80": 100, "212": 2000}.get(form, 30000)
    counts = np.random.default_rng(0).integers(-top, top, (400, 3))
    wfdb.wrsamp(
        "rec", 500, ["mV"] * 3, NAMES, d_signal=counts, fmt=[form] * 3, adc_gain=list(gains),
        baseline=list(baselines), write_dir=str(folder), **further,
    )  # fmt: skip
    return counts


@pytest.mark.parametrize("form", ["16", "212", "80", "24", "32"])
def test_every_storage_format_gives_the_samples_of_wfdb_bit_for_bit(tmp_path, form):
    write(tmp_path, form, baselines=(0, 12, -7))
    ours = read_recording(tmp_path / "rec")
    theirs = wfdb.rdrecord(str(tmp_path / "rec"))
    np.testing.assert_array_equal(ours.signal, theirs.p_signal.T)
    assert list(ours.leads) == theirs.sig_name
    assert ours.rate == theirs.fs


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    gains=st.lists(st.floats(1, 5000), min_size=3, max_size=3),
    baselines=st.lists(st.integers(-3000, 3000), min_size=3, max_size=3),
)
def test_any_gain_and_baseline_give_the_samples_of_wfdb_bit_for_bit(tmp_path, gains, baselines):
    write(tmp_path, "16", baselines, gains)
    theirs = wfdb.rdrecord(str(tmp_path / "rec"))
    np.testing.assert_array_equal(read_recording(tmp_path / "rec.hea").signal, theirs.p_signal.T)


def test_a_lost_sample_is_not_a_number_as_in_wfdb_and_invalid(tmp_path):
    write(tmp_path, "16")
    counts = np.fromfile(tmp_path / "rec.dat", "<i2")
    counts[7] = -32768
    counts.tofile(tmp_path / "rec.dat")
    ours, theirs = read_recording(tmp_path / "rec"), wfdb.rdrecord(str(tmp_path / "rec"))
    np.testing.assert_array_equal(ours.signal, theirs.p_signal.T)
    assert np.argwhere(~ours.valid).tolist() == [[1, 2]]


def test_bytes_before_the_samples_are_skipped_as_wfdb_skips_them(tmp_path):
    """The layout of PhysioNet's Challenge and of ecg-arrhythmia: a MATLAB header of 24 bytes, then the samples."""
    write(tmp_path, "16")
    (tmp_path / "rec.mat").write_bytes(b"x" * 24 + (tmp_path / "rec.dat").read_bytes())
    header = (tmp_path / "rec.hea").read_text().replace("rec.dat 16 ", "rec.mat 16+24 ")
    (tmp_path / "rec.hea").write_text(header)
    theirs = wfdb.rdrecord(str(tmp_path / "rec"))
    np.testing.assert_array_equal(read_recording(tmp_path / "rec.mat").signal, theirs.p_signal.T)


@pytest.mark.parametrize("form", ["212", "80", "24", "32"])
def test_a_length_that_does_not_fit_is_refused_in_every_storage_format(tmp_path, form):
    """wfdb accepts a header that announces fewer samples, and reads a cut file only as far as it likes."""
    write(tmp_path, form)
    header, whole = tmp_path / "rec.hea", (tmp_path / "rec.hea").read_text()
    header.write_text(whole.replace("rec 3 500 400", "rec 3 500 300"))
    with pytest.raises(InputError, match=r"announces 300 samples of 3 leads and rec\.dat holds 400"):
        read_recording(header)
    assert read_recording(header, strict=False).signal.shape == (3, 300)
    header.write_text(whole)
    content = (tmp_path / "rec.dat").read_bytes()
    (tmp_path / "rec.dat").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="the file is cut"):
        read_recording(header, strict=False)


def test_a_pack_that_is_filled_up_is_no_sample_too_many(tmp_path):
    """Format 212 stores two samples in three bytes, so that an odd number of samples leaves half a pack over."""
    counts = np.arange(7)[:, None]
    wfdb.wrsamp("odd", 100, ["mV"], ["I"], d_signal=counts, fmt=["212"], adc_gain=[200.0], baseline=[0],
                write_dir=str(tmp_path))  # fmt: skip
    np.testing.assert_array_equal(read_recording(tmp_path / "odd").signal, counts.T / 200)


def test_signals_in_files_of_their_own_are_read_as_wfdb_reads_them(tmp_path):
    names, counts = ["I", "II"], np.random.default_rng(0).integers(-900, 900, (50, 2))
    lines = ["rec 2 250 50"]
    for index, name in enumerate(names):
        counts[:, index].astype("<i2").tofile(tmp_path / f"{name}.dat")
        lines.append(f"{name}.dat 16 400(3)/mV 16 0 0 0 0 {name}")
    (tmp_path / "rec.hea").write_text("\n".join(lines) + "\n")
    np.testing.assert_array_equal(
        read_recording(tmp_path / "rec").signal, wfdb.rdrecord(str(tmp_path / "rec")).p_signal.T
    )


NUMBER = st.integers(-30000, 30000)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rate=st.floats(0.5, 5000).map(lambda value: round(value, 3)),
    counter=st.sampled_from(["", "/1000", "/1000(0)"]),
    samples=st.integers(1, 10**7),
    start=st.sampled_from(["", " 12:30:05", " 12:30:05 01/02/1990"]),
    form=st.sampled_from(["16", "16x2", "16:3", "16+24", "212", "16x2:1+8"]),
    gain=st.floats(0.01, 9999).map(lambda value: round(value, 4)),
    baseline=st.none() | NUMBER,
    zero=NUMBER,
    unit=st.sampled_from(["mV", "uV", "V"]),
    name=st.sampled_from(["I", "aVR", "ECG lead V2", "x (y)"]),
)
def test_every_field_of_a_header_is_read_as_wfdb_reads_it(
    tmp_path, rate, counter, samples, start, form, gain, baseline, zero, unit, name
):
    shown = f"{gain}" if baseline is None else f"{gain}({baseline})"
    line = f"rec.dat {form} {shown}/{unit} 16 {zero} 5 -7 0 {name}"
    path = tmp_path / "rec.hea"
    path.write_text(f"rec 1 {rate}{counter} {samples}{start}\n{line}\n")
    ours, theirs = read_header(path), wfdb.rdheader(str(tmp_path / "rec"))
    (signal,) = ours.signals
    assert (ours.rate, ours.samples, ours.segments) == (theirs.fs, theirs.sig_len, 1)
    assert [signal.format, signal.frame, signal.skew, signal.offset] == [
        theirs.fmt[0],
        theirs.samps_per_frame[0],
        theirs.skew[0] or 0,
        theirs.byte_offset[0] or 0,
    ]
    assert [signal.gain, signal.baseline, signal.unit] == [theirs.adc_gain[0], theirs.baseline[0], theirs.units[0]]
    assert [signal.file, signal.description] == [theirs.file_name[0], theirs.sig_name[0]]


def test_the_base_time_and_comments_are_kept(tmp_path):
    write(tmp_path, "16", comments=["Age: 61", "Dx: 426177001"])
    assert read_recording(tmp_path / "rec").meta["comments"] == ("Age: 61", "Dx: 426177001")


def test_what_the_package_writes_wfdb_reads_back_within_half_a_microvolt(tmp_path, batch):
    from medsuite.ecg_align.writing import write_wfdb

    recording = batch.recording(0)
    write_wfdb(recording, tmp_path, "rec")
    theirs = wfdb.rdrecord(str(tmp_path / "rec"))
    assert np.abs(theirs.p_signal.T - recording.signal).max() <= 0.5e-3 + 1e-12
    assert tuple(theirs.sig_name) == recording.leads
    assert [value % 65536 for value in theirs.checksum] == [
        int(column.sum()) % 65536 for column in np.rint(1e3 * recording.signal).astype(int)
    ]
