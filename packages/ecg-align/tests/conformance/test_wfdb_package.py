"""The direct reader against the `wfdb` package, on files that the package wrote."""

from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medsuite.ecg_align import read_recording

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
