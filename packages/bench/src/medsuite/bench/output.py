"""Refusing a place to write before the work is done that would be written there."""

from pathlib import Path

from medsuite.core.errors import InputError


def check_file(path: Path) -> None:
    """Refuse a path at which no file can be written.

    Raises:
        InputError: The path is a folder, or what should be its folder is a file.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder", expected="the name of a file")
    check_folder(path.parent)


def check_folder(path: Path) -> None:
    """Refuse a path at which no folder can be made.

    Raises:
        InputError: The path, or a folder above it, is a file.
    """
    taken = next((part for part in (path, *path.parents) if part.is_file()), None)
    if taken is not None:
        raise InputError(f"{taken} is a file", expected="a folder, or a name that is not taken")
