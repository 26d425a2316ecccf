"""PadChest-GR's grounded reports: a JSON entry per image, each finding a sentence with boxes in unit coordinates.

Castro et al. 2024, arXiv 2411.05085.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from medsuite.core.errors import InputError
from medsuite.grounding.boxes import as_boxes
from medsuite.grounding.data.record import Annotations, make_record, require_records
from medsuite.grounding.geometry import Size

LARGEST_UNIT = 1.0 + 1e-6
SENTENCE = "sentence_en"

Row = tuple[str, list[float], str]


def read_padchest_gr(path: Path, sizes: Mapping[str, Size]) -> Annotations:
    """Read the grounded reports; a box counts once for each label of its finding, or for its sentence without labels.

    Findings without boxes, such as normal and negated ones, give no row: their image stays in the list.

    Args:
        path: `grounded_reports_*.json`.
        sizes: Width and height of each image, by its file name: the file holds unit coordinates only.

    Raises:
        InputError: The file is missing, no JSON or another layout, a box leaves [0, 1], or a size is missing.
    """
    records = []
    for number, entry in enumerate(_entries(path)):
        where = f"{path} entry {number}"
        image = _field(entry, "ImageID", str, where)
        if image not in sizes:
            raise InputError(f"{where}: image {image} has no size", fix="pass the sizes of all images")
        findings = _field(entry, "findings", list, where)
        rows = [row for finding in findings for row in _rows(finding, sizes[image], f"{where} ({image})")]
        records.append(make_record(image, rows))
    require_records(len(records), str(path))
    return Annotations(tuple(records))


def image_sizes(folder: Path, names: Mapping[str, object] | list[str]) -> dict[str, Size]:
    """Read width and height of images from their headers.

    Args:
        folder: Where the images lie.
        names: File names.

    Raises:
        InputError: A file is missing or no image.
    """
    from PIL import Image

    sizes = {}
    for name in names:
        try:
            with Image.open(folder / name) as image:
                sizes[name] = image.size
        except OSError as error:
            raise InputError(f"{folder / name} is no readable image ({error})", expected="a PNG file") from error
    return sizes


def image_names(path: Path) -> list[str]:
    """List the images of a grounded-reports file.

    Raises:
        InputError: The file is missing, no JSON or another layout.
    """
    return [_field(entry, "ImageID", str, f"{path} entry {number}") for number, entry in enumerate(_entries(path))]


def _entries(path: Path) -> list[Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error})", expected="grounded_reports_*.json") from error
    if not isinstance(content, list):
        raise InputError(f"{path} holds a {type(content).__name__}", expected="a list with an entry per image")
    return content


def _rows(finding: Any, size: Size, where: str) -> Iterator[Row]:
    sentence = _field(finding, SENTENCE, str, where)
    labels = [str(label) for label in finding.get("labels") or (sentence,)]
    for box in as_boxes(_field(finding, "boxes", list, where), where=where):
        if box.max() > LARGEST_UNIT or box.min() < 0:
            raise InputError(f"{where}: box {box.tolist()} leaves the image", expected="unit coordinates, 0 to 1")
        for label in labels:
            yield label, (box * np.tile(size, 2)).tolist(), ""


def _field(entry: Any, name: str, kind: type, where: str) -> Any:
    if not isinstance(entry, dict) or not isinstance(entry.get(name), kind):
        raise InputError(f"{where} has no {name}", expected=f"a {kind.__name__} under {name!r}, as in PadChest-GR")
    return entry[name]
