import subprocess
import sys

import pytest

from medsuite.core.cli import main

LIGHT = """
import sys
from medsuite.core.cli import main
try:
    main({arguments})
except SystemExit:
    pass
heavy = {{"torch", "transformers", "matplotlib", "scipy", "pydicom", "medsuite_toy", "pandas"}} & set(sys.modules)
sys.exit(f"imported {{heavy}}" if heavy else 0)
"""


def call(capfd, *words):
    try:
        main(words)
        code = 0
    except SystemExit as stop:
        code = stop.code or 0
    captured = capfd.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_and_version_import_nothing_heavy(toy, arguments):
    done = subprocess.run([sys.executable, "-c", LIGHT.format(arguments=arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_help_lists_the_commands_of_installed_packages_with_their_summaries(toy, capfd):
    code, out, _ = call(capfd, "--help")
    assert code == 0
    assert "toy" in out
    assert "Toys." in out
    assert out.index("reproduce") < out.index("toy")


def test_a_packages_command_is_loaded_and_run(toy, capfd):
    assert call(capfd, "toy", "2") == (0, "heads\n", "")


def test_a_users_mistake_is_one_line_and_exit_code_two(toy, capfd):
    code, out, err = call(capfd, "toy", "1")
    assert (code, out) == (2, "")
    assert err == "medsuite: a coin with 1 sides; expected at least 2\n"


def test_a_place_that_cannot_be_written_is_one_line_and_exit_code_two(toy, capfd, tmp_path):
    """A file where a run folder's parent should be: the system's own words, with the path."""
    (tmp_path / "notes.txt").write_text("precious")
    code, out, err = call(capfd, "reproduce", "toy", "--scale", "smoke", "--out", str(tmp_path / "notes.txt" / "run"))
    assert (code, out) == (2, "")
    assert err.startswith(f"medsuite: {tmp_path / 'notes.txt'}")
    assert err.count("\n") == 1
    assert (tmp_path / "notes.txt").read_text() == "precious"


def test_debug_shows_the_traceback(toy):
    program = "from medsuite.core.cli import main; main(['--debug', 'toy', '1'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "Traceback" in done.stderr
    assert "InputError" in done.stderr


def test_an_unknown_command_is_answered_with_the_nearest(toy, capfd):
    code, _, err = call(capfd, "reproduse")
    assert code == 2
    assert "Did you mean 'reproduce'" in err


def test_claims_lists_what_is_registered(toy, capfd):
    code, out, _ = call(capfd, "claims")
    assert code == 0
    assert "toy/coin" in out
    assert "90 %" in out


def test_reproduce_measures_decides_and_reports(toy, capfd, tmp_path):
    code, out, _ = call(capfd, "reproduce", "toy/coin", "--out", str(tmp_path / "run"))
    assert code == 0
    assert "supported" in out
    assert "90 %" in out
    assert (tmp_path / "run" / "report.html").exists()


def test_a_failed_claim_is_shown_beside_the_others_and_exits_with_one(toy, capfd, tmp_path):
    code, out, _ = call(capfd, "reproduce", "toy/fail", "toy/coin", "--scale", "smoke", "--out", str(tmp_path / "run"))
    assert code == 1
    assert "toy/fail failed: seed=1: ZeroDivisionError: no such coin" in out
    assert "no verdict" in out


def test_deciding_again_gives_the_same_results_without_running_anything(toy, capfd, tmp_path):
    out = tmp_path / "run"
    call(capfd, "reproduce", "toy/coin", "--out", str(out))
    before = (out / "results.json").read_bytes()
    ran = sorted(out.glob("artefacts/ran-*"))
    code, _, _ = call(capfd, "claims", "decide", str(out))
    assert code == 0
    assert (out / "results.json").read_bytes() == before
    assert sorted(out.glob("artefacts/ran-*")) == ran


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["reproduce", "toy/coins"], "did you mean 'toy/coin'"),
        (["reproduce", "--scale", "huge"], "unknown scale 'huge'"),
        (["reproduce", "toy", "--data", "nowhere"], "--data nowhere is no folder"),
        (["claims", "decide", "nowhere"], "nowhere is no run folder"),
        (["reproduce", "toy", "--jobs", "0"], "Invalid value for '--jobs'"),
    ],
)
def test_bad_words_are_answered_in_one_line_and_write_nothing(toy, capfd, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    code, _, err = call(capfd, *words)
    assert code == 2
    assert message in err
    assert not list(tmp_path.iterdir())


def test_another_scale_in_the_same_folder_is_refused_with_the_difference(toy, capfd, tmp_path):
    out = str(tmp_path / "run")
    call(capfd, "reproduce", "toy/coin", "--scale", "smoke", "--out", out)
    code, _, err = call(capfd, "reproduce", "toy/coin", "--out", out)
    assert code == 2
    assert "scale: smoke -> laptop" in err


def test_the_doctor_names_what_is_missing_and_how_to_mend_it(toy, capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    info = toy / "medsuite_toy-1.2.3.dist-info" / "METADATA"
    content = info.read_text()
    extra = "Requires-Dist: numpy>=1\nProvides-Extra: far\nRequires-Dist: no-such-thing>=9; extra == 'far'\n"
    info.write_text(content + extra)
    try:
        code, out, _ = call(capfd, "doctor")
    finally:
        info.write_text(content)
    assert code == 0
    text = " ".join(out.split())
    assert "medsuite-toy 1.2.3 complete" in text
    assert "missing no-such-thing>=9" in text
    assert "pip install 'medsuite-toy[far]'" in text
