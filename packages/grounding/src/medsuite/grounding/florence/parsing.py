"""Parse what a Florence-2 wrote; what cannot be a box is listed, and nothing is left out in silence."""

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medsuite.grounding.boxes import Boxes, iou_matrix
from medsuite.grounding.florence.locations import BINS, dequantise
from medsuite.grounding.geometry import Size

Box = Float[np.ndarray, "edge"]
LOCATION = re.compile(r"<loc_(\d{1,9})>")
GROUP = re.compile(r"([^<]*)((?:<loc_\d{1,9}>)+)")
MARKERS = re.compile(r"</?s>|<pad>")
SAME_BOX = 0.95


@dataclass(frozen=True, eq=False)
class ParsedBoxes:
    """Boxes that were written, and what was wrong with the rest.

    Attributes:
        labels: The words before each box.
        boxes: xyxy in pixels.
        groups: Which group of four location tokens, counted from 0, each box was written as.
        issues: One sentence for each thing that was left out.
    """

    labels: tuple[str, ...]
    boxes: Boxes
    groups: tuple[int, ...]
    issues: tuple[str, ...]


def parse(text: str, size: Size) -> ParsedBoxes:
    """Read `label<loc><loc><loc><loc>` repeatedly; a label stands for all groups of four that follow it.

    Left out with an issue: location tokens beyond a multiple of four, bins of 1000 and more, boxes whose far edge is
    not beyond the near one, and boxes that repeat an earlier one of the label (IoU 0.95).

    Args:
        text: Decoded answer, special tokens included.
        size: Width and height of the original image.
    """
    clean = MARKERS.sub("", text)
    labels: list[str] = []
    boxes: list[Box] = []
    groups: list[int] = []
    issues: list[str] = []
    group = 0
    for match in GROUP.finditer(clean):
        label, bins = match.group(1).strip(), [int(number) for number in LOCATION.findall(match.group(2))]
        if len(bins) % 4:
            issues.append(f"{len(bins)} location tokens after {label!r} are no multiple of four")
        for start in range(0, len(bins) - 3, 4):
            edges = np.array(bins[start : start + 4])
            box = dequantise(edges[None], size)[0]
            problem = _problem(edges) or _repeats(box, label, labels, boxes)
            if problem:
                issues.append(f"box {start // 4 + 1} of {label!r} {problem}")
            else:
                labels.append(label)
                boxes.append(box)
                groups.append(group)
            group += 1
    rest = GROUP.sub("", clean).strip()
    if rest:
        issues.append(f"{rest!r} has no location")
    return ParsedBoxes(tuple(labels), np.array(boxes).reshape(-1, 4), tuple(groups), tuple(issues))


def _problem(edges: np.ndarray) -> str:
    if edges.max() >= BINS:
        return f"has the bin {edges.max()}, beyond {BINS - 1}"
    if edges[2] <= edges[0] or edges[3] <= edges[1]:
        return "has its far edge before the near one"
    return ""


def _repeats(box: Box, label: str, labels: list[str], boxes: list[Box]) -> str:
    earlier = [other for name, other in zip(labels, boxes, strict=True) if name == label]
    return "repeats an earlier one" if earlier and iou_matrix(np.array(earlier), box[None]).max() >= SAME_BOX else ""
