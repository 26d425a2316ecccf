import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import medsuite.bpgpt as bpgpt

README = Path(__file__).parents[1] / "README.md"


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_package_claims_and_commands_imports_nothing_heavy():
    heavy = "[name for name in ('torch', 'transformers', 'matplotlib', 'scipy', 'h5py') if name in sys.modules]"
    modules = "medsuite.bpgpt, medsuite.bpgpt.claims, medsuite.bpgpt.cli"
    assert python(f"import sys, {modules}; print({heavy})").strip() == "[]"


def test_every_public_name_is_there_and_listed():
    assert all(getattr(bpgpt, name) is not None for name in bpgpt.__all__)
    assert set(bpgpt.__all__) <= set(dir(bpgpt))


def test_a_name_that_does_not_exist_is_an_attribute_error():
    assert not hasattr(bpgpt, "nonsense")


def test_commands_and_claims_are_registered():
    commands, claims = (
        {point.name: point for point in entry_points(group=group)} for group in ("medsuite.commands", "medsuite.claims")
    )
    assert commands["bpgpt"].value == "medsuite.bpgpt.cli:app"
    assert [claim.id for claim in claims["bpgpt"].load()] == ["bpgpt/brain", "bpgpt/alignment"]


def test_the_example_of_the_readme_runs(capsys, lebel_folder):
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    code = example.replace('Path("ds003020")', "folder").replace("UTS03", "UTS01").replace("adollshouse", "alpha")
    exec(compile(code, "README.md", "exec"), {"folder": lebel_folder})
    assert "(2, 14, 9)" in capsys.readouterr().out
