"""Folders of cases, and writing without leaving half a file behind."""

from collections.abc import Callable, Sequence
from pathlib import Path

from medsuite.core.errors import InputError
from medsuite.gridml.case import Case


def read_cases(folder: Path) -> list[Case]:
    """Read all `.vtu` files of a folder, in the order of their names.

    Raises:
        InputError: No such folder, no such file in it, or a file that is no case.
    """
    from medsuite.gridml.io.vtu import read_case

    if not folder.is_dir():
        raise InputError(f"{folder} is no folder", expected="a folder of .vtu files")
    paths = sorted(folder.glob("*.vtu"))
    if not paths:
        raise InputError(f"{folder} holds no .vtu file", fix="make some with `medsuite gridml data simulate`")
    return [read_case(path) for path in paths]


def write_cases(folder: Path, cases: Sequence[Case]) -> None:
    """Write each case as `NAME.vtu` into a new folder.

    Raises:
        InputError: The folder exists and is not empty, or is a file.
    """
    from medsuite.gridml.io.vtu import write_case

    if folder.is_file():
        raise InputError(f"{folder} is a file", expected="a new folder")
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty", expected="a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases:
        write_case(folder / f"{case.name}.vtu", case)


def check_place(path: Path) -> None:
    """Refuse a path at which no file can be written; worth asking before the work whose result goes there.

    Raises:
        InputError: The folder does not exist, or the path is a folder itself.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder", expected="the name of a file")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent} is no folder", fix="make it first")


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file beside its place and move it there when it is complete.

    Raises:
        InputError: See `check_place`.
    """
    check_place(path)
    temporary = path.with_name(f".partial-{path.name}")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
