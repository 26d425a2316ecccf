"""Random access to the rows of a big TSV: one pass finds where each row begins, and rows are read on demand."""

import csv
import io
from pathlib import Path

import numpy as np

from medsuite.core.errors import InputError

CHUNK = 1 << 22
_BOM = b"\xef\xbb\xbf"


class OffsetTable:
    """A TSV file with a header, indexed by the byte at which each row begins.

    Line feeds inside quotes belong to their field. The index costs one sequential pass, 8 bytes a row and one chunk of
    4 MiB, whatever the size of the fields: a table with 3 GB of base64 pictures is opened in the memory of one picture.

    Raises:
        InputError: The file is missing, empty or no text in UTF-8, or a quote is never closed.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise InputError(f"{path} does not exist or is no file", expected="a TSV file")
        self.path = path
        self._starts = _row_starts(path)
        if len(self._starts) < 2:
            raise InputError(f"{path} is empty", expected="a TSV file with a header")
        self.columns = self._fields(0)

    def __len__(self) -> int:
        return len(self._starts) - 2

    def row(self, number: int) -> dict[str, str]:
        """Read one row by its number from 0.

        Raises:
            InputError: The row has another number of fields than the header, or is no text in UTF-8.
        """
        fields = self._fields(number + 1)
        if len(fields) != len(self.columns):
            raise InputError(
                f"{self.path}: row {number + 1} has {len(fields)} fields",
                expected=f"{len(self.columns)}, as the header",
                fix="quote fields that hold tabs or line feeds",
            )
        return dict(zip(self.columns, fields, strict=True))

    def _fields(self, line: int) -> list[str]:
        start, end = int(self._starts[line]), int(self._starts[line + 1])
        with self.path.open("rb") as file:
            file.seek(start)
            raw = file.read(end - start)
        try:
            text = raw.removeprefix(_BOM).decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InputError(f"{self.path}: row {line} is no text in UTF-8", fix="save the table as UTF-8") from error
        csv.field_size_limit(1 << 30)
        return next(csv.reader(io.StringIO(text, newline=""), delimiter="\t"), [])


def _row_starts(path: Path) -> np.ndarray:
    """Return the offset of every line outside quotes, and the end of the file."""
    starts, offset, inside = [np.zeros(1, dtype=np.int64)], 0, 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            data = np.frombuffer(chunk, dtype=np.uint8)
            quotes, breaks = np.flatnonzero(data == ord('"')), np.flatnonzero(data == ord("\n"))
            outside = (np.searchsorted(quotes, breaks) + inside) % 2 == 0
            starts.append(offset + breaks[outside] + 1)
            inside = (inside + len(quotes)) % 2
            offset += len(chunk)
    if inside:
        raise InputError(f"{path}: a quote is opened and never closed", fix='write a quote inside a field as ""')
    found = np.concatenate(starts)
    return found if not offset or found[-1] == offset else np.append(found, offset)
