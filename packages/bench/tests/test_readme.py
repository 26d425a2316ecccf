"""The README's examples and the package's face."""

import doctest
import subprocess
import sys
from pathlib import Path

import medsuite.bench


def test_the_examples_of_the_readme_run() -> None:
    readme = Path(__file__).parents[1] / "README.md"
    assert doctest.testfile(str(readme), module_relative=False).failed == 0


def test_every_public_name_exists() -> None:
    assert all(callable(getattr(medsuite.bench, name)) for name in medsuite.bench.__all__)


def test_importing_the_package_its_claims_and_commands_imports_nothing_heavy() -> None:
    heavy = ("torch", "transformers", "duckdb", "sklearn", "xgboost", "cv2", "rapidocr", "matplotlib", "onnxruntime")
    code = f"import sys, medsuite.bench.claims, medsuite.bench.cli; print([m for m in {heavy} if m in sys.modules])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
