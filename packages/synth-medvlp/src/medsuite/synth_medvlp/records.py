"""What the package noted beside a data set or a model: JSON objects in small files."""

import json
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError


def read_record(path: Path, *, expected: str, fix: str) -> dict[str, Any]:
    """Read an object that was written here; empty where there is no file.

    Args:
        path: The file.
        expected: What it should hold.
        fix: What to do about a damaged file.

    Raises:
        InputError: The file is no JSON, or no object.
    """
    if not path.is_file():
        return {}
    try:
        record = json.loads(path.read_text())
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error})", fix=fix) from error
    if not isinstance(record, dict):
        raise InputError(f"{path} holds a {type(record).__name__}", expected=expected)
    return record
