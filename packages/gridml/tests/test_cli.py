import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from medsuite.core.errors import InputError
from medsuite.gridml.cli import app
from medsuite.gridml.io.vtu import read_case


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("gridml") / "cases"
    result = run("data", "simulate", "darcy", "--cases", 3, "--spacing", 0.3, "--out", path)
    assert result.exit_code == 0
    return path


def test_from_simulated_cases_to_a_prediction_in_a_file_and_a_table(folder, tmp_path):
    surrogate, out = tmp_path / "a.safetensors", tmp_path / "out.vtu"
    assert run("train", folder, "--family", "deeponet", "--steps", 3, "--out", surrogate).exit_code == 0
    assert run("predict", surrogate, folder / "darcy-0001.vtu", "--out", out).exit_code == 0
    case = read_case(out)
    assert np.isfinite(case.inputs["prediction"]).all()
    np.testing.assert_array_equal(case.inputs["prediction"][case.fixed], 0.0)
    table = run("evaluate", surrogate, folder).output
    assert [line.split()[0] for line in table.splitlines()] == ["norm", "l2", "h1", "linf", "node_legacy"]
    assert "darcy-000" in table


def test_inspect_prints_sizes_and_reach(folder):
    lines = dict(
        line.rsplit(maxsplit=1) for line in run("data", "inspect", folder / "darcy-0000.vtu").output.splitlines()
    )
    mesh = read_case(folder / "darcy-0000.vtu").mesh
    assert int(lines["nodes"]) == mesh.node_count
    assert 3 <= int(lines["diameter in hops"]) <= 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data", "simulate", "stokes", "--out", "OUT"], "unknown problem 'stokes'"),
        (["data", "simulate", "poisson", "--spacing", "-1", "--out", "OUT"], "a spacing of -1"),
        (["data", "inspect", "none.vtu"], "none.vtu does not exist"),
        (["data", "import-meshgraphnets", "none.tfrecord", "--out", "OUT"], "has no meta.json"),
        (["train", "nowhere", "--out", "OUT"], "nowhere is no folder"),
        (["train", "CASES", "--family", "resnet", "--out", "OUT"], "unknown family 'resnet'"),
        (["train", "CASES", "--family", "pod", "--out", "OUT"], "was given 3 meshes"),
        (["train", "CASES", "--steps", "0", "--out", "OUT"], "at least one step"),
        (["predict", "none.safetensors", "CASES/darcy-0000.vtu", "--out", "OUT"], "none.safetensors does not exist"),
        (["evaluate", "none.safetensors", "CASES"], "none.safetensors does not exist"),
    ],
)
def test_what_a_user_gets_wrong_first_is_one_line_and_leaves_nothing_behind(folder, tmp_path, arguments, message):
    given = [text.replace("CASES", str(folder)).replace("OUT", str(tmp_path / "out")) for text in arguments]
    result = run(*given)
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
    assert not list(tmp_path.iterdir())


def test_an_empty_folder_and_a_full_one_are_refused(folder, tmp_path):
    assert "holds no .vtu file" in str(run("train", tmp_path, "--out", tmp_path / "a").exception)
    again = run("data", "simulate", "poisson", "--cases", 1, "--spacing", 0.3, "--out", folder)
    assert "is not empty" in str(again.exception)


def test_importing_the_package_its_commands_and_claims_loads_no_heavy_library():
    code = (
        "import sys, medsuite.gridml, medsuite.gridml.cli, medsuite.gridml.claims;"
        "print([name for name in ('torch', 'skfem', 'meshio', 'matplotlib', 'accelerate') if name in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == "[]"


def test_every_public_name_can_be_imported():
    import medsuite.gridml as gridml

    assert all(callable(getattr(gridml, name)) for name in gridml.__all__)  # a module of the same name would hide it
    assert dir(gridml) == gridml.__all__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        gridml.nothing  # noqa: B018


def test_nothing_is_trained_for_a_place_where_nothing_can_be_written(folder, tmp_path, monkeypatch):
    from medsuite.gridml.models import registry

    def never(*_, **__):
        raise AssertionError("trained although nothing could be written")

    monkeypatch.setattr(registry, "family", never)
    result = run("train", folder, "--family", "pointwise", "--out", tmp_path / "no" / "a")
    assert "is no folder" in str(result.exception)


def test_a_prediction_is_a_vtu_file_in_any_case_of_letters_and_nothing_else(folder, tmp_path):
    surrogate = tmp_path / "a.safetensors"
    assert run("train", folder, "--family", "pointwise", "--steps", 1, "--out", surrogate).exit_code == 0
    result = run("predict", surrogate, folder / "darcy-0000.vtu", "--out", tmp_path / "a.txt")
    assert "a.txt does not end in .vtu" in str(result.exception)
    assert run("predict", surrogate, folder / "darcy-0000.vtu", "--out", tmp_path / "B.VTU").exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["B.VTU", "a.safetensors"]


def test_a_file_in_place_of_a_folder_and_a_folder_in_place_of_a_file_are_refused(folder, tmp_path):
    (tmp_path / "taken").write_text("something of mine")
    for arguments, message in (
        (["data", "simulate", "poisson", "--cases", 1, "--spacing", 0.3, "--out", tmp_path / "taken"], "is a file"),
        (["train", folder, "--family", "pointwise", "--steps", 1, "--out", tmp_path], "is a folder"),
        (["train", folder, "--family", "pointwise", "--steps", 1, "--out", tmp_path / "no" / "a"], "is no folder"),
        (["evaluate", folder / "darcy-0000.vtu", folder], "cannot be read"),
        (["data", "inspect", folder], "is a folder"),
    ):
        result = run(*arguments)
        assert isinstance(result.exception, InputError), arguments
        assert message in str(result.exception)
    assert (tmp_path / "taken").read_text() == "something of mine"
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
