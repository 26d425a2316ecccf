"""A tiny GPT-2 in a folder, copied for each test that breaks it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from medsuite.core import tiny


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a saved tiny model, by family."""
    folder = tmp_path_factory.mktemp("saved")

    def save(family: str) -> Path:
        if not (folder / family).exists():
            getattr(tiny, family)().save(folder / family)
        return folder / family

    return save


@pytest.fixture
def broken(saved: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of a good folder, for a test to break."""
    return Path(shutil.copytree(saved("gpt2"), tmp_path / "broken"))
