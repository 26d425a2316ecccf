import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def test_the_example_of_the_readme_runs_and_writes_its_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    exec(code, {})
    assert "node_legacy" in capsys.readouterr().out
    assert (tmp_path / "prediction.vtu").is_file()


@pytest.mark.parametrize("name", sorted(__import__("medsuite.gridml.models.registry", fromlist=["FAMILIES"]).FAMILIES))
def test_every_family_stands_in_the_readme(name):
    assert f"| `{name}` |" in README.read_text()
