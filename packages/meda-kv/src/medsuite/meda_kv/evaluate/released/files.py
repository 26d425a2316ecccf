"""Reading the files of a benchmark, with one line for whoever gave the wrong one."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError, require

ENCODING = "utf-8-sig"
"""UTF-8, with the mark at its beginning that some editors write, or without."""
BATCH = 64
"""Rows of a Parquet file that are in memory at once."""


def existing(path: Path, expected: str) -> Path:
    """Return the path.

    Raises:
        InputError: Nothing is there.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist", expected=expected)
    return path


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a `.jsonl`, `.json` or `.parquet` file; the first and the last are streamed.

    Raises:
        InputError: The file is missing, cut off or of another kind, or it is empty.
    """
    readers = {".jsonl": _json_lines, ".json": _json_rows, ".parquet": _parquet_rows}
    if path.suffix not in readers:
        raise InputError(f"{path}", expected=f"a file that ends in {', '.join(readers)}")
    empty = True
    for row in readers[path.suffix](existing(path, "a file")):
        empty = False
        yield row
    if empty:
        raise InputError(f"{path} holds no rows", expected="at least one")


def read_json(path: Path) -> Any:
    """Read a whole JSON file.

    Raises:
        InputError: It is missing or not JSON, for example because a download was cut off.
    """
    try:
        return json.loads(existing(path, "a JSON file").read_text(encoding=ENCODING))
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error})", fix="download it again") from error


def field(row: Mapping[str, Any], names: str | Sequence[str], where: str) -> Any:
    """Return a field under the first of its names that is there.

    Raises:
        InputError: It has none of them.
    """
    wanted = [names] if isinstance(names, str) else names
    for name in wanted:
        if row.get(name) is not None:
            return row[name]
    have = ", ".join(sorted(map(str, row))) or "none"
    raise InputError(f"{where} has no field {' or '.join(map(repr, wanted))}; its fields are {have}")


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding=ENCODING) as file:
        try:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _mapping(_parsed(line, path, number), f"{path} line {number}")
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not UTF-8 ({error})", fix="download it again") from error


def _parsed(line: str, path: Path, number: int) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        cut = "" if line.endswith("\n") else "; the last line is cut off"
        raise InputError(f"{path} line {number} is not JSON{cut} ({error})", fix="download it again") from error


def _json_rows(path: Path) -> Iterator[dict[str, Any]]:
    rows = read_json(path)
    if not isinstance(rows, list):
        raise InputError(f"{path} holds a {type(rows).__name__}", expected="a list of objects")
    for number, row in enumerate(rows, start=1):
        yield _mapping(row, f"{path} entry {number}")


def _parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    require("pyarrow", extra="medsuite-meda-kv[benchmarks]")
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        with ParquetFile(path) as table:
            for batch in table.iter_batches(batch_size=BATCH):
                yield from batch.to_pylist()
    except (ArrowException, OSError) as error:
        raise InputError(f"{path} is not a Parquet file ({error})", fix="download it again") from error


def _mapping(row: Any, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise InputError(f"{where} is a {type(row).__name__}", expected="an object")
    return row


def open_picture(path: Path) -> Any:
    """Open a picture in colour.

    Raises:
        InputError: It is missing or no picture.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(existing(path, "a picture that the data set names")) as picture:
            return picture.convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        raise InputError(f"{path} is not a picture that can be read ({error})", fix="download it again") from error
