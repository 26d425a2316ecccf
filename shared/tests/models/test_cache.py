"""The cache: where it is, and that a result is there whole or not at all."""

import threading
from pathlib import Path

import pytest

from medsuite.core.errors import MedsuiteError
from medsuite.core.models.cache import built_once, cache_folder


def fill(folder: Path) -> None:
    (folder / "result").write_text("done")


def test_the_environment_chooses_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEDSUITE_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    monkeypatch.delenv("MEDSUITE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder().name == "medsuite"


def test_a_result_is_built_once_by_many_at_the_same_time(tmp_path: Path) -> None:
    calls: list[Path] = []

    def build(folder: Path) -> None:
        calls.append(folder)
        fill(folder)

    threads = [threading.Thread(target=built_once, args=(tmp_path / "a" / "key", build)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert (built_once(tmp_path / "a" / "key", build) / "result").read_text() == "done"


def test_a_build_that_fails_leaves_no_result(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        fill(folder)
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        built_once(tmp_path / "key", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["key.lock"]


def test_what_a_killed_build_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / "key.partial").mkdir()
    (tmp_path / "key.partial" / "torn").write_text("half")
    assert [path.name for path in built_once(tmp_path / "key", fill).iterdir()] == ["result"]
    assert not (tmp_path / "key.partial").exists()


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", deny)
    with pytest.raises(MedsuiteError, match="set MEDSUITE_CACHE"):
        built_once(tmp_path / "a" / "key", fill)
