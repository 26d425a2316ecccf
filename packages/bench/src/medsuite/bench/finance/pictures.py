"""Pictures of a question set: beside the table, or inside it as base64, never outside the folder and never too big."""

import ast
import base64
import binascii
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path, PurePosixPath

from medsuite.core.errors import InputError

LONGEST_REFERENCE = 64
"""An `image` field this short names another row whose picture is meant."""
LARGEST_PIXELS = 50_000_000
_DATA_URI = re.compile(r"^data:image/[\w.+-]+;base64,")


def resolve(root: Path, relative: str) -> Path:
    """Return the file of a picture inside its folder.

    Raises:
        InputError: The path is absolute, leaves the folder, or names no file.
    """
    pure = PurePosixPath(relative.replace("\\", "/"))
    if pure.is_absolute() or ".." in pure.parts or not relative.strip():
        raise InputError(f"picture path {relative!r} is not inside its folder", expected="a relative path without '..'")
    path = root / pure
    if not path.is_file():
        folder, name = path.parent, path.name.lower()
        near = [entry.name for entry in folder.iterdir() if entry.name.lower() == name] if folder.is_dir() else []
        fix = f"rename {near[0]!r}: file names are case-sensitive" if near else None
        raise InputError(f"picture {relative!r} does not exist in {root}", fix=fix)
    return path


def decode_field(field: str, look_up: Callable[[str], str]) -> tuple[bytes, ...]:
    """Decode an `image` field: base64, a list of base64, or the index of the row that holds the picture.

    Args:
        field: The text of the field.
        look_up: Returns the `image` field of the row with an index.

    Raises:
        InputError: References form a loop, or the text is no base64 and no list of it.
    """
    seen: list[str] = []
    while len(field) <= LONGEST_REFERENCE:
        if field in seen:
            raise InputError(f"image references form a loop: {' -> '.join([*seen, field])}")
        seen.append(field)
        field = look_up(field)
    return tuple(_decode(part) for part in (_list(field) if field.startswith("[") else [field]))


def _list(field: str) -> list[str]:
    try:
        parts = ast.literal_eval(field)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise InputError("an image field is a list that is not closed or quoted", expected="['base64', ...]") from error
    if not isinstance(parts, list) or not parts:
        raise InputError("an image field is an empty list", expected="['base64', ...]")
    return [str(part) for part in parts]


def media_type(content: bytes) -> str:
    """Tell the media type of a picture by its bytes, without decoding its pixels.

    Raises:
        InputError: The bytes are no picture, or one with too many pixels.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(content)) as picture:
            width, height = picture.size
            kind = Image.MIME.get(picture.format or "", "")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise InputError("the bytes are no picture that can be opened", expected="PNG, JPEG, WebP or GIF") from error
    if width * height > LARGEST_PIXELS:
        raise InputError(
            f"a picture of {width} x {height} pixels is too big", expected=f"up to {LARGEST_PIXELS:,} pixels"
        )
    return kind


def _decode(text: str) -> bytes:
    body = _DATA_URI.sub("", text).strip().translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("an image field is no base64", expected="base64 of a picture") from error
