"""PadChest-GR's grounded reports: a JSON entry per image, each finding a sentence with boxes in unit coordinates.

Castro et al. 2024, arXiv 2411.05085.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from medsuite.core.errors import InputError
from medsuite.grounding.boxes import as_boxes
from medsuite.grounding.data.record import Annotations, BadBox, make_record, require_records
from medsuite.grounding.geometry import Size

LARGEST_UNIT = 1.0 + 1e-6
SENTENCE = "sentence_en"

Row = tuple[str, list[float], str]


def read_padchest_gr(path: Path, sizes: Mapping[str, Size], *, bad_boxes: BadBox = "raise") -> Annotations:
    """Read the grounded reports; a box counts once for each label of its finding, or for its sentence without labels.

    Findings without boxes, such as normal and negated ones, give no row: their image stays in the list.

    Args:
        path: `grounded_reports_*.json`.
        sizes: Width and height of each image, by its file name: the file holds unit coordinates only.
        bad_boxes: `raise` at the first box that has no area or leaves [0, 1], or `drop` such boxes and list them.

    Raises:
        InputError: The file is missing, no JSON or another layout, an image comes twice or has no size, or a box is
            bad.
    """
    images: dict[str, list[Row]] = {}
    dropped: list[str] = []
    for number, entry in enumerate(_entries(path)):
        where = f"{path} entry {number}"
        image = _field(entry, "ImageID", str, where)
        if image not in sizes:
            raise InputError(f"{where}: image {image} has no size", fix="pass the sizes of all images")
        if image in images:
            raise InputError(f"{where}: image {image} is there twice", expected="one entry with all findings")
        images[image] = []
        for finding in _field(entry, "findings", list, where):
            rows, bad = _rows(finding, sizes[image], f"{where} ({image})")
            if bad and bad_boxes == "raise":
                raise bad[0]
            images[image] += rows
            dropped += map(str, bad)
    require_records(len(images), str(path))
    return Annotations(tuple(make_record(name, rows) for name, rows in images.items()), tuple(dropped))


def image_sizes(folder: Path, names: Mapping[str, object] | list[str]) -> dict[str, Size]:
    """Read width and height of images from their headers.

    Args:
        folder: Where the images lie.
        names: File names.

    Raises:
        InputError: A file is missing or no image.
    """
    from medsuite.core.images import contents

    sizes = {}
    for name in names:
        size = contents(folder / name).size
        if size is None:
            raise InputError(f"{folder / name} is a volume", expected="a PNG file")
        sizes[name] = size[1], size[0]
    return sizes


def image_names(path: Path) -> list[str]:
    """List the images of a grounded-reports file.

    Raises:
        InputError: The file is missing, no JSON or another layout.
    """
    return [_field(entry, "ImageID", str, f"{path} entry {number}") for number, entry in enumerate(_entries(path))]


def _entries(path: Path) -> list[Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error})", expected="grounded_reports_*.json") from error
    if not isinstance(content, list):
        raise InputError(f"{path} holds a {type(content).__name__}", expected="a list with an entry per image")
    return content


def _rows(finding: Any, size: Size, where: str) -> tuple[list[Row], list[InputError]]:
    """Return a row for each box and label of a finding, and what is wrong with its other boxes."""
    sentence = _field(finding, SENTENCE, str, where)
    labels = finding.get("labels") or [sentence]
    if not isinstance(labels, list):
        raise InputError(f"{where}: labels are {labels!r}", expected="a list under 'labels', as in PadChest-GR")
    rows: list[Row] = []
    bad: list[InputError] = []
    for box in _field(finding, "boxes", list, where):
        try:
            pixels = _pixels(box, size, where)
        except InputError as error:
            bad.append(error)
        else:
            rows += [(str(label).strip(), pixels, "") for label in labels]
    return rows, bad


def _pixels(box: Any, size: Size, where: str) -> list[float]:
    if not isinstance(box, list) or len(box) != 4:
        raise InputError(f"{where}: box {box!r}", expected="x1, y1, x2, y2")
    (checked,) = as_boxes([box], where=where)
    if checked.max() > LARGEST_UNIT or checked.min() < 0:
        raise InputError(f"{where}: box {checked.tolist()} leaves the image", expected="unit coordinates, 0 to 1")
    return (checked * np.tile(size, 2)).tolist()


def _field(entry: Any, name: str, kind: type, where: str) -> Any:
    if not isinstance(entry, dict) or not isinstance(entry.get(name), kind):
        raise InputError(f"{where} has no {name}", expected=f"a {kind.__name__} under {name!r}, as in PadChest-GR")
    return entry[name]
