import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydicom.data import get_testdata_file
from typer.testing import CliRunner

from medsuite.core.errors import InputError
from medsuite.ecg_align import Recording, Simulator, read_recording, writing
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


def test_inspecting_some_leads_shows_those_alone():
    assert "leads: II, V1\n" in run("data", "inspect", REAL, "--leads", "ii, v1")


def test_leads_that_were_never_valid_together_agree_with_nothing():
    signal = np.array([[0.0, 1.0, np.nan], [np.nan, 0.5, 0.2], [0.3, np.nan, 0.1]])
    assert "III cannot be compared with I and II" in describe(Recording.from_array(signal, ["I", "II", "III"], 100))


def test_the_range_that_is_shown_is_that_of_the_valid_samples():
    whole = Recording.from_array(np.array([[0.0, 1.0, 0.5]]), ["I"], 100)
    spoilt = dataclasses.replace(
        whole, signal=np.array([[0.0, 1.0, -32.768]]), valid=np.array([[True, True, False]])
    )  # fmt: skip
    assert "median range 1.00 mV, 33 % of the samples lost" in describe(spoilt)


def test_records_written_in_parts_are_those_drawn_at_once_and_memory_holds_one_part(tmp_path, monkeypatch):
    drawn = []
    draw = Simulator.draw

    def counted(self, records, rng, **further):
        drawn.append(records)
        return draw(self, records, rng, **further)

    monkeypatch.setattr(Simulator, "draw", counted)
    monkeypatch.setattr(writing, "AT_A_TIME", 3)
    headers = list(writing.write_simulated(Simulator(seconds=2), 7, tmp_path, 5))
    assert drawn == [3, 3, 1]
    assert [header.name for header in headers] == [f"simulated-{number:05d}.hea" for number in range(7)]
    rng = np.random.default_rng(5)
    batches = [draw(Simulator(seconds=2), count, rng) for count in drawn]
    expected = np.concatenate([batch.signal for batch in batches])
    for header, signal in zip(headers, expected, strict=True):
        assert np.abs(read_recording(header).signal - signal).max() <= 0.5e-3 + 1e-9


def test_a_report_without_findings_is_said_to_have_none():
    result = CliRunner().invoke(app, ["extract", "Rate 72"])
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no finding" in result.stderr


@pytest.mark.parametrize("words", [[], ["data"], ["data", "inspect"], ["simulate"], ["extract"]])
def test_every_command_explains_itself(words):
    assert "Usage:" in run(*words, "--help")


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
        (["simulate", ".", "--rate", "inf"], "a positive number"),
        (["simulate", ".", "--rate", "nan"], "a positive number"),
        (["simulate", ".", "--seconds", "0.001"], "at least one sample"),
        (["data", "inspect", REAL, "--leads", "I,V9"], "unknown lead 'V9'"),
        (["data", "inspect", REAL, "--leads", "I,,II"], "unknown lead ''"),
        (["extract", "Синусовый ритм"], "not in English"),
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


@given(
    signal=arrays(np.float64, (3, 20), elements=st.floats(-32, 32)),
    rate=st.floats(1, 1e5).map(lambda value: float(f"{value:.12g}")),
)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_again_to_half_a_microvolt_at_the_very_rate(tmp_path, signal, rate):
    recording = Recording(signal, ("V1", "aVR", "I"), rate, np.ones(signal.shape, bool))
    again = read_recording(write_wfdb(recording, tmp_path, "x"))
    assert (again.leads, again.rate) == (recording.leads, rate)
    assert np.abs(again.signal - signal).max() <= 0.5e-3 + 1e-9


def test_lost_samples_are_written_as_lost(tmp_path):
    recording = Recording.from_array(np.array([[0.0, np.nan, 1.0]]), ["I"], 100)
    assert read_recording(write_wfdb(recording, tmp_path, "x")).valid.tolist() == [[True, False, True]]
