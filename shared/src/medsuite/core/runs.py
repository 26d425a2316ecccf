"""Run folders that survive `kill -9`: atomic files, append-only JSON lines, a manifest, and resume.

A crash at any moment leaves each file either as it was or as it was meant to be. The only thing that can be torn is the
last line of a JSON-lines file, which is detected and dropped when the file is read or opened again.
"""

import json
import os
import platform
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError, ResumeError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader or a crash sees the old content or the new one, never a part.

    Args:
        path: Where to write; its parent folder is created.
        content: Text, written as UTF-8, or bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; a no-op where folders cannot be opened."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class JsonLines:
    """An append-only file of JSON records, one a line.

    A record is there when `append` has returned. A line that a crash tore is dropped: it has no newline, and it is cut
    off before the next append. A damaged line in the middle is not a crash's doing and raises.

    Args:
        path: The file; created by the first append.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._clean = False

    def append(self, record: Mapping[str, Any]) -> None:
        """Append one record and wait until it is on the disk."""
        if not self._clean:
            self._cut_torn_line()
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        with self.path.open("ab") as file:
            file.write(line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.endswith(b"\n"):
                    yield self._parse(line, number)

    def _parse(self, line: bytes, number: int) -> dict[str, Any]:
        fix = "restore the file or delete that line"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"{self.path} line {number} is not JSON ({error})", fix=fix) from error
        if not isinstance(row, dict):
            raise InputError(f"{self.path} line {number} is no object but {line[:40]!r}", fix=fix)
        return row

    def _cut_torn_line(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            content = self.path.read_bytes()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                os.truncate(self.path, whole)
        self._clean = True


def environment() -> dict[str, Any]:
    """Describe what a result depends on besides its inputs: Python, platform, cores, and all installed versions."""
    versions = {dist.metadata["Name"].lower(): dist.version for dist in distributions() if dist.metadata["Name"]}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "versions": dict(sorted(versions.items())),
    }


def describe_difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """List the keys in which two configurations differ, as `key: old -> new`, joined by commas."""
    keys = sorted(before.keys() | after.keys())
    missing = "(absent)"
    changed = [key for key in keys if before.get(key, missing) != after.get(key, missing)]
    return ", ".join(f"{key}: {before.get(key, missing)} -> {after.get(key, missing)}" for key in changed)


@dataclass(frozen=True)
class RunFolder:
    """A folder that holds all files of one run, and the manifest that says which run it is."""

    path: Path

    @classmethod
    def open(cls, path: Path, config: Mapping[str, Any]) -> "RunFolder":
        """Create a run folder, or resume the one that is there.

        Args:
            path: The folder.
            config: What defines the run, as JSON values. A resumed run must have the same.

        Raises:
            ResumeError: The folder belongs to a run with another configuration; the message lists the differences.
            InputError: The folder holds other files and no manifest.
        """
        folder = cls(path)
        wanted = json.loads(json.dumps(config, default=str))
        if folder.manifest_path.exists():
            found = folder.manifest()["config"]
            if found != wanted:
                fix = "use another --out folder, or run with the old settings"
                raise ResumeError(
                    f"{path} holds another run ({describe_difference(found, wanted)})",
                    expected="the same settings to resume",
                    fix=fix,
                )
        elif path.exists() and any(child for child in path.iterdir() if not child.name.startswith(".")):
            raise InputError(f"{path} is not empty and holds no run", expected="a new or empty folder, or a run folder")
        else:
            started = datetime.now(UTC).isoformat(timespec="seconds")
            manifest = {"config": wanted, "started": started, "command": sys.argv, "environment": environment()}
            write_atomically(folder.manifest_path, json.dumps(manifest, indent=2) + "\n")
        return folder

    @classmethod
    def existing(cls, path: Path) -> "RunFolder":
        """Open a run folder that must be there.

        Raises:
            InputError: There is no run in the folder.
        """
        folder = cls(path)
        if not folder.manifest_path.is_file():
            raise InputError(f"{path} is no run folder", expected="a folder that holds manifest.json")
        return folder

    @property
    def manifest_path(self) -> Path:
        """Path of the manifest."""
        return self.path / "manifest.json"

    def manifest(self) -> dict[str, Any]:
        """Read the manifest: `config`, `started`, `command` and `environment`."""
        try:
            return json.loads(self.manifest_path.read_text())
        except ValueError as error:
            raise InputError(f"{self.manifest_path} is not JSON ({error})", fix="use another --out folder") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process; the lock vanishes with the process, however it ends.

        Raises:
            ResumeError: Another process holds it.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            fix = "wait for it, or use another --out folder"
            raise ResumeError(f"another process is running in {self.path}", fix=fix) from error
        try:
            yield
        finally:
            lock.release()

    def artefact(self, name: str) -> Path:
        """Return the path that belongs to a named artefact, below `artefacts/`."""
        safe = "".join(letter if letter.isalnum() or letter in "-_.=" else "_" for letter in name)
        return self.path / "artefacts" / (safe.lstrip(".") or "_")
