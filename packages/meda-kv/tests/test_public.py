import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import medsuite.meda_kv as meda_kv

README = Path(__file__).parents[1] / "README.md"


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_package_claims_and_commands_imports_neither_torch_nor_transformers():
    heavy = "[name for name in ('torch', 'transformers', 'matplotlib', 'scipy') if name in sys.modules]"
    modules = "medsuite.meda_kv, medsuite.meda_kv.claims, medsuite.meda_kv.cli"
    assert python(f"import sys, {modules}; print({heavy})").strip() == "[]"


def test_every_public_name_is_there_and_listed():
    assert all(getattr(meda_kv, name) is not None for name in meda_kv.__all__)
    assert set(meda_kv.__all__) <= set(dir(meda_kv))


def test_a_name_that_does_not_exist_is_an_attribute_error():
    assert not hasattr(meda_kv, "nonsense")


def test_commands_and_claims_are_registered():
    commands, claims = (
        {point.name: point for point in entry_points(group=group)} for group in ("medsuite.commands", "medsuite.claims")
    )
    assert commands["meda-kv"].value == "medsuite.meda_kv.cli:app"
    assert claims["meda-kv"].load()[0].id == "meda-kv/memory"


def test_the_examples_of_the_readme_run(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    from medsuite.core import tiny

    class Loaded:
        model, tokenizer = tiny.llama().model, tiny.llama().tokenizer

    names = {"Loaded": Loaded, "__name__": "readme"}
    for example in examples:
        code = example.replace('load("smollm2-135m", "causal-lm")', "Loaded")
        exec(compile(code, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "requested ratio 0.28" in printed
    assert "requested tokens 64" in printed
    assert len(re.findall(r"^\[.*\]$", printed, flags=re.MULTILINE)) == 2, "two answers"
