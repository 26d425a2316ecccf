"""All packages installed together, from their wheels."""

import json
import time
from importlib.metadata import distributions
from pathlib import Path

import pytest
from browser import opened

from medsuite.core.claims.registry import find_claims

ROOT = Path(__file__).parent.parent
NAMES = sorted(path.name for path in (ROOT / "packages").iterdir())
RELEASED = sorted(
    dist.name for dist in distributions() if dist.name.startswith("medsuite-") and dist.version != "0.0.0"
)


def test_all_eight_packages_and_the_core_are_installed():
    found = {dist.name for dist in distributions() if dist.name.startswith("medsuite-")}
    assert found == {"medsuite-core", *(f"medsuite-{name}" for name in NAMES)}
    assert len(NAMES) == 8


def test_a_package_registers_commands_and_claims_if_and_only_if_it_is_released():
    for dist in distributions():
        if dist.name.startswith("medsuite-") and dist.name != "medsuite-core":
            groups = {point.group for point in dist.entry_points}
            assert groups == ({"medsuite.claims", "medsuite.commands"} if dist.name in RELEASED else set()), dist.name


def test_medsuite_is_a_namespace():
    import medsuite

    assert medsuite.__file__ is None


def test_help_imports_nothing_heavy_with_everything_installed(medsuite, tmp_path):
    done = medsuite("--help", env={"PYTHONPROFILEIMPORTTIME": "1"}, cwd=tmp_path)
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "medsuite.core.cli" in imported
    assert not imported & {"torch", "transformers", "matplotlib", "numpy", "scipy", "pandas", "pydicom"}


def test_help_answers_at_once(medsuite, tmp_path):
    """The best of five is under 0.3 s: a promise to whoever types the command, kept with room to spare."""
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        medsuite("--help", cwd=tmp_path)
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.3


@pytest.fixture(scope="session")
def smoke(medsuite, tmp_path_factory):
    """The run folder of every claim at the smoke scale."""
    out = tmp_path_factory.mktemp("smoke") / "run"
    done = medsuite(f"reproduce --scale smoke --out {out}")
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_every_claim_runs_at_the_smoke_scale(smoke):
    results = json.loads((smoke / "results.json").read_text())["claims"]
    assert [claim["id"] for claim in results] == [entry.claim.id for entry in find_claims()]
    assert {claim["status"] for claim in results} == {"no verdict"}
    assert all(claim["done"] == claim["jobs"] for claim in results)


def test_a_second_run_repeats_nothing(smoke, medsuite):
    done = medsuite(f"reproduce --scale smoke --out {smoke}")
    assert "0 jobs to run" in done.stdout


@pytest.mark.parametrize("width", [390, 1280])
def test_the_report_reads_in_a_browser(smoke, width):
    with opened(smoke / "report.html", width) as (page, errors):
        assert errors == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        rows = page.locator("table").first.locator("tbody tr").count()
    assert rows == len({registered.claim.paper.identifier for registered in find_claims()})
