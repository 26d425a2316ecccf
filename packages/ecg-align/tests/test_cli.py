from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file
from typer.testing import CliRunner

from medsuite.core.errors import InputError
from medsuite.ecg_align import Recording, read_recording
from medsuite.ecg_align.cli import app
from medsuite.ecg_align.inspection import describe
from medsuite.ecg_align.writing import write_wfdb

REAL = str(get_testdata_file("waveform_ecg.dcm"))


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_inspecting_the_real_recording_shows_leads_identities_and_statements():
    shown = run("data", "inspect", REAL)
    assert "10 s at 1000 Hz" in shown
    assert "aVF agrees with I and II: 0.44 µV" in shown
    assert "statements: RITMO SINUSALE; ECG NORMALE" in shown
    assert "QT Interval: 368 ms" in shown


def test_a_swapped_lead_and_an_unknown_one_are_pointed_out():
    names = ["I", "II", "aVL", "RESP"]
    signal = np.random.default_rng(0).uniform(-1, 1, (4, 100))
    shown = describe(Recording.from_array(signal, names, 100))
    assert "aVL contradicts I and II" in shown
    assert "not among the standard twelve: RESP" in shown


def test_simulated_records_can_be_read_again_and_name_their_findings(tmp_path):
    shown = run("simulate", str(tmp_path), "--records", "2", "--seconds", "3", "--rate", "250")
    paths = [Path(line) for line in shown.split()]
    assert len(paths) == 2
    recording = read_recording(paths[0])
    assert (recording.rate, recording.seconds, len(recording.leads)) == (250, 3, 12)
    # Each lead is rounded to a microvolt by itself.
    assert max(recording.limb_residual().values()) < 1.0
    assert "comments: anterior tall T; lateral tall T; high lateral Q wave" in run("data", "inspect", str(paths[0]))


def test_extraction_prints_certainty_and_finding():
    lines = run("extract", "No ST elevation. Possible LVH").splitlines()
    assert [line.split()[0] for line in lines] == ["excluded", "possible"]
    assert "ST elevation" in lines[0]
    assert "LVH" in lines[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data", "inspect", "nowhere.dcm"], "does not exist"),
        (["data", "inspect", "."], "is a folder"),
        (["simulate", "nowhere"], "not a folder that exists"),
        (["simulate", ".", "--records", "0"], "at least one"),
        (["simulate", ".", "--seconds", "0"], "a positive number"),
        (["extract", "Sinusrhythmus, kein Infarkt"], "not in English"),
    ],
)
def test_mistakes_are_errors_of_one_line_and_leave_nothing_behind(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message) as error:
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_mistake_at_the_command_line_exits_with_code_2(tmp_path):
    from medsuite.core.cli import main

    with pytest.raises(SystemExit) as stop:
        main(["ecg-align", "data", "inspect", str(tmp_path / "no.hea")])
    assert stop.value.code == 2


@pytest.mark.parametrize(
    ("name", "voltage", "message"), [("a/b", 1.0, "letters, digits"), ("ok", 40.0, "reaches 40 mV")]
)
def test_what_format_16_cannot_hold_is_not_written(tmp_path, name, voltage, message):
    recording = Recording(np.array([[0.0, voltage]]), ("I",), 100.0, np.ones((1, 2), bool))
    with pytest.raises(InputError, match=message):
        write_wfdb(recording, tmp_path, name)
    assert not list(tmp_path.iterdir())


def test_lost_samples_are_written_as_lost(tmp_path):
    recording = Recording.from_array(np.array([[0.0, np.nan, 1.0]]), ["I"], 100)
    assert read_recording(write_wfdb(recording, tmp_path, "x")).valid.tolist() == [[True, False, True]]
