"""The command line from a simulated hospital to a table of scores, and its mistakes."""

import csv
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medsuite.bench.cli import app
from medsuite.core.errors import InputError, MissingDependencyError

sys.path.insert(0, str(Path(__file__).parent))
from oracle_server import serving


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["clinical", *arguments], catch_exceptions=False, env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "hospital"
    run("simulate", str(folder), "--patients", "1500", "--seed", "1", "--noise-codes", "20")
    return folder


def test_a_hospital_is_simulated_predicted_asked_and_scored(folder: Path, tmp_path: Path) -> None:
    landmark = ("--view", "landmark")
    names = ("--model", "logistic regression", "--model", "naive bayes")
    fitted = run("classical", str(folder), str(tmp_path / "models"), *landmark, *names)
    assert fitted.count("validation AUROC") == 2
    with serving(lambda prompt: 0.2 + 0.6 * ("Sepsis" in prompt)) as (url, arrived):
        out = tmp_path / "asked.jsonl"
        command = ("ask", str(folder), str(out), *landmark, "--server", url, "--model", "rule")
        assert "300 patients: 300 answered" in run(*command)
        asked = len(arrived)
        assert asked == 600
        run(*command)
        assert len(arrived) == asked, "no question is asked twice"
    files = [str(tmp_path / "models" / f"{name}.jsonl") for name in ("logistic-regression", "naive-bayes")]
    files += [str(out), str(folder / "bayes-mortality-first_day.jsonl")]
    table = run("score", *files, "--baseline", "rule")
    assert "mortality (fixed, first 24 h)" in table
    rows = [line.split("  ")[0] for line in table.splitlines() if "[" in line]
    assert rows[0] == "Bayes optimum", "nothing is above it"
    assert set(rows) == {"Bayes optimum", "logistic regression", "naive bayes", "rule"}


def test_a_cohort_is_printed_with_its_flow_chart(folder: Path, tmp_path: Path) -> None:
    output = run("cohort", str(folder), "--preset", "paper", "--flow", str(tmp_path / "flow.csv"), "--fingerprint")
    assert "without a procedure" in output
    assert "simulated patients" in output
    with (tmp_path / "flow.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    left = int(rows[0]["stays"])
    for row in rows[1:-1]:
        left -= int(row["stays"])
        assert int(row["left"]) == left
    assert int(rows[-1]["stays"]) == left


def test_scores_of_two_views_are_not_compared(folder: Path) -> None:
    files = [str(folder / f"bayes-mortality-{view}.jsonl") for view in ("first_day", "retrospective")]
    with pytest.raises(InputError, match="one task and one view"):
        CliRunner().invoke(app, ["clinical", "score", *files], catch_exceptions=False)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("cohort", "FOLDER", "--task", "deth"), "unknown task 'deth'"),
        (("classical", "FOLDER", "OUT", "--unit", "stay"), "a split by stay"),
        (("classical", "FOLDER", "OUT", "--model", "xgbost"), "did you mean 'xgboost'"),
        (("ask", "FOLDER", "OUT", "--mode", "COTT"), "did you mean 'COT'"),
        (("ask", "FOLDER", "OUT", "--wording", "titles"), "unknown wording"),
        (("simulate", "FOLDER"), "is not empty"),
        (("simulate", "FILE"), "is not empty"),
        (("simulate", "OUT", "--patients", "0"), "0 patients"),
        (("cohort", "FOLDER", "--view", "landmark", "--hours", "inf"), "inf hours"),
        (("cohort", "FOLDER", "--flow", "FILE/flow.csv"), "test_cli.py is a file"),
        (("cohort", "FOLDER", "--flow", "FOLDER"), "is a folder"),
        (("classical", "FOLDER", "FILE", "--model", "naive bayes"), "test_cli.py is a file"),
        (("ask", "FOLDER", "FILE/a.jsonl", "--server", "http://127.0.0.1:9/v1"), "test_cli.py is a file"),
        (("cohort", "FILE"), "is no folder"),
        (("cohort", "FOLDER", "--drug-map", "OUT"), "does not exist"),
        (("ask", "FOLDER", "OUT", "--mode", "COT"), "gives its answer in words"),
        (("score", "OUT"), "does not exist"),
        (("score", "FILE"), "is no file of predictions"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(
    folder: Path, tmp_path: Path, command: tuple[str, ...], message: str
) -> None:
    places = {"FOLDER": str(folder), "OUT": str(tmp_path / "out"), "FILE": __file__}
    words = [word.replace("FILE/", f"{__file__}/") if "/" in word else places.get(word, word) for word in command]
    with pytest.raises(InputError, match=message):
        CliRunner().invoke(app, ["clinical", *words], catch_exceptions=False)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("duckdb", ("cohort", "FOLDER")),
        ("sklearn", ("classical", "FOLDER", "OUT", "--model", "naive bayes")),
        ("xgboost", ("classical", "FOLDER", "OUT", "--model", "xgboost")),
        ("torch", ("ask", "FOLDER", "OUT.jsonl")),
        ("aiohttp", ("ask", "FOLDER", "OUT.jsonl", "--server", "http://127.0.0.1:1/v1")),
    ],
)
def test_a_missing_library_is_one_line(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, command: tuple[str, ...]
) -> None:
    places = {"FOLDER": str(folder), "OUT": str(tmp_path / "out"), "OUT.jsonl": str(tmp_path / "out.jsonl")}
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(
        MissingDependencyError, match=rf"{module} is not installed; pip install 'medsuite-bench\[clinical\]'"
    ):
        CliRunner().invoke(app, ["clinical", *(places.get(word, word) for word in command)], catch_exceptions=False)
