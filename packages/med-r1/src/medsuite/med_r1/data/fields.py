"""What all readers share: JSON from a file, a text from an entry."""

import json
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError


def load_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: It cannot be read or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read ({error})", expected="a JSON file") from error


def text_field(entry: Any, name: str, where: str) -> str:
    """Return a text of an entry.

    Args:
        entry: The entry, which should be an object.
        name: Its field.
        where: File and place, for the message.

    Raises:
        InputError: There is none.
    """
    value = entry.get(name) if isinstance(entry, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where} has no {name}", expected=f"a text under {name!r}")
    return value
