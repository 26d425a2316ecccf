"""The user's cache folder, and how to build something in it exactly once."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from medsuite.core.errors import MedsuiteError, require


def cache_folder() -> Path:
    """Where medsuite keeps what it can make again: `$MEDSUITE_CACHE`, else the platform's cache folder of the user."""
    if chosen := os.environ.get("MEDSUITE_CACHE"):
        return Path(chosen).expanduser()
    return require("platformdirs", extra="medsuite-core[models]").user_cache_path("medsuite")


def built_once(folder: Path, build: Callable[[Path], None]) -> Path:
    """Return a cached folder, building it first if it is not there.

    It appears whole or not at all: it is built under another name and renamed, under a lock, so a killed or a second
    process leaves nothing half made.

    Args:
        folder: Where the result lives; its name has to change when its content would.
        build: Fills an empty folder.

    Raises:
        MedsuiteError: The cache cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _build_unless_there(folder, build)
    except PermissionError as error:
        fix = "set MEDSUITE_CACHE to a folder that you can write"
        raise MedsuiteError(f"cannot write the cache {folder.parent}: {error.strerror}", fix=fix) from error
    return folder


def _build_unless_there(folder: Path, build: Callable[[Path], None]) -> None:
    # Looked for before and under the lock: the usual case needs no lock, and a second process finds the first's result.
    if folder.is_dir():
        return
    with FileLock(f"{folder}.lock"):
        if folder.is_dir():
            return
        # One name per result, so that what a killed process left is cleared by the next instead of filling the disk.
        partial = folder.with_name(f"{folder.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        try:
            build(partial)
            partial.rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
