import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def wheels() -> Path:
    """The folder of freshly built wheels of all packages."""
    folder = os.environ.get("MEDSUITE_WHEELS")
    if folder is None:
        pytest.skip("MEDSUITE_WHEELS names no folder of wheels; run `uv run nox -s integration`")
    return Path(folder)


@pytest.fixture(scope="session")
def medsuite():
    """Run the installed `medsuite` command in a real shell and return the finished process."""
    executable = Path(sys.executable).parent / "medsuite"
    assert executable.exists()

    def run(words: str, **options) -> subprocess.CompletedProcess:
        return subprocess.run(
            f"{executable} {words}", shell=True, capture_output=True, text=True, check=False, **options
        )

    return run


@pytest.fixture(scope="session")
def uv() -> str:
    return shutil.which("uv") or pytest.skip("uv is not on the path")
