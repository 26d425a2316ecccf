"""The benchmarks are scripts that no other test runs: what they take from the packages must exist."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted([*ROOT.glob("packages/*/benchmarks/*.py"), *ROOT.glob("shared/benchmarks/*.py")])


def taken(script):
    """Yield the modules of medsuite that a script imports from, and the names that it takes."""
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("medsuite"):
            yield node.module, [alias.name for alias in node.names]


def exists(module, name):
    try:
        return hasattr(import_module(module), name) or bool(import_module(f"{module}.{name}"))
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_a_benchmark_imports_what_there_is(script):
    missing = [f"{module}.{name}" for module, names in taken(script) for name in names if not exists(module, name)]
    assert not missing


def test_there_are_benchmarks_of_every_package():
    assert {path.parts[-3] for path in SCRIPTS} == {"shared", *(path.name for path in ROOT.glob("packages/*"))}
