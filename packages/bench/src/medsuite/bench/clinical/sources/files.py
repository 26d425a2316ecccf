"""Finding a table's file and looking at its first bytes, before a database reads it."""

import difflib
import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

from medsuite.core.errors import InputError

GZIP = b"\x1f\x8b"
SUFFIXES = (".csv", ".csv.gz")


def find_table(folder: Path, table: str) -> Path | None:
    """Return the file of a table, `NAME.csv` or `NAME.csv.gz` in any case of letters, or None.

    Raises:
        InputError: Both exist: they may differ, and nobody could say which one was read.
    """
    names = {f"{table}{suffix}" for suffix in SUFFIXES}
    found = sorted(path for path in folder.iterdir() if path.name.lower() in names and path.is_file())
    if len(found) > 1:
        raise InputError(f"{found[0]} and {found[1].name} are both there", fix="remove one of them")
    return found[0] if found else None


def read_header(path: Path, needed: Sequence[str]) -> tuple[str, ...]:
    """Return the column names of a table in lower case, in the order of the file.

    Args:
        path: A CSV file, packed with gzip or not.
        needed: Columns that must be there.

    Raises:
        InputError: The file is empty, packed twice, a web page, cut off within its first line, split by something else
            than commas, lacks a column or has one twice.
    """
    line = _first_line(path)
    columns = tuple(name.strip().strip('"').lower() for name in line.split(","))
    missing = [name for name in needed if name not in columns]
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise InputError(f"{path} has two columns {twice[0]!r}", expected="each column once")
    if not missing:
        return columns
    if len(columns) == 1 and any(mark in line for mark in ";\t|"):
        raise InputError(f"{path} is not split by commas", expected=f"a first line such as {','.join(needed)}")
    nearest = difflib.get_close_matches(missing[0], columns, n=2, cutoff=0.4)
    near = f"; nearest: {', '.join(nearest)}" if nearest else ""
    raise InputError(f"{path} has no column {missing[0]!r}{near}", expected=f"columns {', '.join(needed)}")


def explain_read_error(path: Path, error: Exception) -> InputError:
    """Turn a database's complaint about a table into one line, with the last whole row of a file that is cut off."""
    if path.name.lower().endswith(".gz"):
        rows, whole = _count_rows(path)
        if not whole:
            return InputError(f"{path} is truncated after row {rows}", fix="get the file again")
    # The database's message repeats the query; its first line says what is wrong.
    first = str(error).strip().splitlines()[0]
    return InputError(f"{path} cannot be read: {first}", expected="a table as it was released")


def _first_line(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(512)
    packed = path.name.lower().endswith(".gz")
    if not start:
        raise InputError(f"{path} is empty", fix="get the file again")
    if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise InputError(f"{path} is a web page: the download was not authorised", fix="log in and get the file again")
    if packed != start.startswith(GZIP):
        what = "is not packed with gzip" if packed else "is packed with gzip"
        raise InputError(f"{path} {what}", fix="give the file the ending that fits, .csv or .csv.gz")
    return _decode(path, _read_line(path, packed))


def _read_line(path: Path, packed: bool) -> bytes:
    try:
        if not packed:
            with path.open("rb") as plain:
                return plain.readline(65_536)
        with gzip.open(path) as unpacked:
            return unpacked.readline(65_536)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path} is truncated within its first line", fix="get the file again") from error


def _decode(path: Path, line: bytes) -> str:
    if line.startswith(GZIP):
        raise InputError(f"{path} is packed with gzip twice", fix="unpack it once")
    try:
        return line.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no text in UTF-8", expected="a table as it was released") from error


def _count_rows(path: Path) -> tuple[int, bool]:
    """Count whole lines below the header, and tell whether the file ends where it should."""
    rows = -1
    try:
        with gzip.open(path) as lines:
            for line in lines:
                rows += line.endswith(b"\n")
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return max(rows, 0), False
    return max(rows, 0), True
