"""VinDr-CXR's annotation table: a row per reader and box, `No finding` for a reader who saw none.

Nguyen et al. 2022, Scientific Data 9:429. The test table is a consensus of five readers and has no reader column.
"""

import csv
import gzip
import textwrap
import zlib
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path

from medsuite.core.errors import InputError
from medsuite.grounding.boxes import as_boxes, refuse_unit_boxes
from medsuite.grounding.data.record import Annotations, BadBox, make_record, require_records

NO_FINDING = "No finding"
EDGES = ("x_min", "y_min", "x_max", "y_max")
REQUIRED = ("image_id", "class_name", *EDGES)
READER_COLUMNS = ("rad_id", "rad_ID")

Row = tuple[str, list[float], str]


def read_vindr(path: Path, *, bad_boxes: BadBox = "raise") -> Annotations:
    """Read VinDr-CXR's or VinBigData's box table; O(rows).

    Args:
        path: `annotations_train.csv`, `annotations_test.csv` or VinBigData's `train.csv`, as it is or gzipped.
        bad_boxes: `raise` at the first box without area, or `drop` such boxes and list them.

    Raises:
        InputError: The file is missing, has other columns, no rows, a row without image or class, a bad box, or boxes
            in unit coordinates.
    """
    images: dict[str, list[Row]] = {}
    dropped: list[str] = []
    for line, fields in _lines(path):
        image, label = fields["image_id"].strip().removeprefix("vindrcxr/"), fields["class_name"].strip()
        if not image or not label:
            raise InputError(f"{path} line {line} has no {'class_name' if image else 'image_id'}", expected="a name")
        rows = images.setdefault(image, [])
        if label.lower() == NO_FINDING.lower():
            continue
        try:
            rows.append((label, _box(fields, f"{path} line {line}"), _reader(fields)))
        except InputError as error:
            if bad_boxes == "raise":
                raise
            dropped.append(str(error))
    require_records(len(images), str(path))
    records = tuple(make_record(name, rows) for name, rows in images.items())
    refuse_unit_boxes([record.boxes for record in records], where=str(path))
    return Annotations(records, tuple(dropped))


def _lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with _opened(path) as file:
            table = csv.DictReader(file)
            missing = [column for column in REQUIRED if column not in (table.fieldnames or ())]
            if missing:
                # A file of another sort may be one line of megabytes.
                found = textwrap.shorten(", ".join(table.fieldnames or ()), 120, placeholder=" ...") or "no header"
                raise InputError(
                    f"{path} has no column {', '.join(missing)} (found: {found})", expected="VinDr's table"
                )
            for fields in table:
                if any(fields[column] is None for column in REQUIRED):
                    raise InputError(f"{path} line {table.line_num} is cut off", fix="download the file again")
                yield table.line_num, fields
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read ({error})", expected="a CSV file of VinDr-CXR") from error


def _opened(path: Path) -> TextIOWrapper:
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    if compressed:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _box(fields: dict[str, str], where: str) -> list[float]:
    return as_boxes([[fields[edge] or "nan" for edge in EDGES]], where=where)[0].tolist()


def _reader(fields: dict[str, str]) -> str:
    return next((fields[column] for column in READER_COLUMNS if fields.get(column)), "")
