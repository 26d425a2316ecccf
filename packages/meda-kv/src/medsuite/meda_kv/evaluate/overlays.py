"""What was evicted, drawn over the pictures and over the text."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from medsuite.meda_kv.evaluate.details import ArmDetail, Detail

CELL, GAP, ACROSS = 112, 8, 6
"""Side of a picture on the sheet and the gap between two in pixels, and pictures in a row."""
MOST = 24
"""Pictures on a sheet; those with needles are always among them."""
PAPER = (150, 155, 162)
"""What shines through where everything was evicted: grey that differs from light and dark pages."""
AROUND = 50
"""Tokens of text that are shown before and after a needle."""


@dataclass(frozen=True)
class Word:
    """A token of the text as it is shown.

    Attributes:
        text: The token; empty where a stretch is left out.
        kept: Share of layers and heads that keep it, in percent.
        needle: Whether it belongs to a needle.
    """

    text: str
    kept: int
    needle: bool


def sheet(detail: Detail, arm: ArmDetail | None) -> str:
    """Draw the pictures side by side; a patch fades as layers and heads evict it, and needles are framed.

    Args:
        detail: The question; its pictures' grids are known.
        arm: What was kept; None for the pictures as they are.

    Returns:
        A PNG in base64.
    """
    chosen = _chosen_pictures(detail)
    rows = -(-len(chosen) // ACROSS)
    size = (min(len(chosen), ACROSS) * (CELL + GAP) - GAP, rows * (CELL + GAP) - GAP)
    paper = Image.new("RGBA", size, (0, 0, 0, 0))
    for place, number in enumerate(chosen):
        row, column = divmod(place, ACROSS)
        paper.paste(_tile(detail, arm, number), (column * (CELL + GAP), row * (CELL + GAP)))
    buffer = io.BytesIO()
    paper.save(buffer, format="PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def can_draw(detail: Detail) -> bool:
    """Whether the question's pictures can be drawn: there are some and it is known where their tokens lie."""
    return bool(detail.pictures) and sum(rows * columns for rows, columns in detail.grids) == len(detail.vision)


def _starts(detail: Detail) -> list[int]:
    """Where each picture's tokens start among the vision tokens."""
    sizes = [rows * columns for rows, columns in detail.grids]
    return [0, *np.cumsum(sizes)[:-1].tolist()]


def _chosen_pictures(detail: Detail) -> list[int]:
    """The first pictures, and those that hold needles, in order."""
    if len(detail.pictures) <= MOST:
        return list(range(len(detail.pictures)))
    order = {column: place for place, column in enumerate(detail.vision)}
    starts = _starts(detail)
    marked = {int(np.searchsorted(starts, order[mark], "right")) - 1 for mark in detail.marks if mark in order}
    others = [number for number in range(len(detail.pictures)) if number not in marked]
    return sorted([*marked, *others[: max(0, MOST - len(marked))]])


def _tile(detail: Detail, arm: ArmDetail | None, number: int) -> Any:
    picture = Image.open(io.BytesIO(base64.b64decode(detail.pictures[number]))).convert("RGB")
    picture = picture.resize(
        (CELL, CELL), Image.Resampling.NEAREST if picture.width < CELL else Image.Resampling.LANCZOS
    )
    columns = _columns(detail, number)
    if arm is not None:
        kept = np.array(arm.kept)[columns]
        mask = Image.fromarray(np.round(255 * (0.12 + 0.88 * kept)).astype(np.uint8))
        mask = mask.resize((CELL, CELL), Image.Resampling.NEAREST)
        picture = Image.composite(picture, Image.new("RGB", picture.size, PAPER), mask)
    _frame_needles(picture, detail, columns)
    return picture


def _columns(detail: Detail, number: int) -> np.ndarray:
    """Columns of the prompt that hold a picture's tokens, as they lie in the picture."""
    rows, columns = detail.grids[number]
    start = _starts(detail)[number]
    return np.array(detail.vision[start : start + rows * columns]).reshape(rows, columns)


def _frame_needles(picture: Any, detail: Detail, columns: np.ndarray) -> None:
    height, width = columns.shape
    pen = ImageDraw.Draw(picture)
    for row, column in np.argwhere(np.isin(columns, detail.marks)):
        box = (
            column * CELL / width - 1,
            row * CELL / height - 1,
            (column + 1) * CELL / width,
            (row + 1) * CELL / height,
        )
        pen.rectangle(box, outline="white", width=3)
        pen.rectangle(box, outline="black", width=1)


def text_around_needles(detail: Detail, arm: ArmDetail) -> list[Word]:
    """Show the text around the needles, or the beginning of a text without any, with what was kept of each token.

    Args:
        detail: The question.
        arm: What was kept.
    """
    length = min(len(detail.words), len(arm.kept))
    marks = set(detail.marks)
    near = {place for mark in marks for place in range(mark - AROUND, mark + AROUND + 1)} or set(range(3 * AROUND))
    shown = [place for place in range(length) if place in near]
    return _with_gaps(detail.words, arm.kept, shown, marks)


def _with_gaps(words: Sequence[str], kept: Sequence[float], shown: Sequence[int], marks: set[int]) -> list[Word]:
    result, before = list[Word](), -1
    for place in shown:
        if place != before + 1:
            result.append(Word("", 0, False))
        result.append(Word(words[place].replace("\n", "↵"), round(100 * kept[place]), place in marks))
        before = place
    return [*result, Word("", 0, False)] if shown and shown[-1] + 1 < len(words) else result
