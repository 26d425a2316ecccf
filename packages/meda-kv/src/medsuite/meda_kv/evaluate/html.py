"""The HTML report of an evaluation, from its run folder alone."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medsuite.core.errors import InputError
from medsuite.core.reporting import Page, drawing_style, render, svg
from medsuite.core.runs import RunFolder, write_atomically
from medsuite.meda_kv.evaluate import charts, overlays
from medsuite.meda_kv.evaluate.details import Detail
from medsuite.meda_kv.evaluate.evaluation import Record, arm_parts, read_details, read_records
from medsuite.meda_kv.evaluate.questions import Protocol
from medsuite.meda_kv.evaluate.summary import Line, summarise
from medsuite.meda_kv.evaluate.tasks import TASKS


@dataclass(frozen=True)
class Drawing:
    """A figure with its words."""

    title: str
    caption: str
    svg: str


@dataclass(frozen=True)
class Sheet:
    """One arm's pictures, or its text, under one protocol."""

    title: str
    png: str
    words: Sequence[overlays.Word]


@dataclass(frozen=True)
class Shown:
    """A question that is shown in full."""

    unit: str
    along: Sequence[Drawing]
    sheets: Sequence[Sheet]


def write_report(run: Path, target: Path | None = None) -> Path:
    """Write a run folder's report and return its path.

    Args:
        run: The run folder of an evaluation, finished or not.
        target: Where to write; `report.html` in the run folder when None.

    Raises:
        InputError: There is no evaluation in the folder, or no question has been answered yet.
    """
    folder = RunFolder.existing(run)
    config = folder.manifest()["config"]
    if config.get("task") not in TASKS:
        raise InputError(f"{run} is not the run of an evaluation", expected="a folder that evaluate --out wrote")
    done = read_records(folder)
    asked = [record for record in done if record.scores]
    if not asked:
        raise InputError(f"no question has been answered in {run} yet", fix="run the evaluation first")
    text = _render(folder, config, done, asked)
    path = run / "report.html" if target is None else target
    write_atomically(path, text)
    return path


def _render(folder: RunFolder, config: dict[str, Any], done: Sequence[Record], asked: Sequence[Record]) -> str:
    lines, details = summarise(asked), read_details(folder)
    with drawing_style():
        drawings = _drawings(lines, details, TASKS[config["task"]].measure)
        shown = [_shown(detail, number) for number, detail in enumerate(details)]
    task, manifest = TASKS[config["task"]], folder.manifest()
    scope = (
        f"{len(asked)} questions, {config['model']}, prompts of {_range([record.tokens for record in asked])} tokens"
    )
    return render(
        "evaluation.html.jinja",
        Page(f"KV-cache compression: {task.name}", f"{task.summary}; {scope}"),
        package="medsuite.meda_kv",
        task=task,
        config=config,
        lines=lines,
        protocols=list(lines[0].cells),
        known=charts.has_likelihood(lines),
        left_out=[record for record in done if record.left_out],
        seconds=sum(record.seconds for record in asked),
        drawings=drawings,
        shown=shown,
        manifest=manifest,
        command=shlex.join(["medsuite", *manifest["command"][1:]]),
    )


def _range(lengths: Sequence[int]) -> str:
    least, most = min(lengths), max(lengths)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _drawings(lines: Sequence[Line], details: Sequence[Detail], measure: str) -> list[Drawing]:
    """The figures over all questions."""
    figures = [("Quality against kept share", QUALITY, charts.quality(lines, measure))]
    if charts.has_likelihood(lines):
        figures.append(("Likelihood of the right answer", LIKELIHOOD, charts.likelihood(lines)))
    recorded = [detail for detail in details if detail.arms]
    if recorded:
        figures.append(("Which layer keeps how much", BUDGETS, charts.layer_budgets(recorded)))
    for kind, entropies in (recorded[0].entropies if recorded else {}).items():
        title = f"Entropy map: {kind}, by layer and head"
        figures.append((title, f"{ENTROPY} {recorded[0].unit}.", charts.entropy_map(kind, np.array(entropies))))
    return [_drawing(title, caption, figure, f"all-{place}") for place, (title, caption, figure) in enumerate(figures)]


def _drawing(title: str, caption: str, figure: Any, name: str) -> Drawing:
    return Drawing(title, caption, svg(figure, name, title))


def _shown(detail: Detail, number: int) -> Shown:
    protocols: list[Protocol] = list(dict.fromkeys(arm.protocol for arm in detail.arms))
    along = [
        _drawing(
            f"Kept along the prompt, question {protocol}", "", charts.kept_along(detail, protocol), f"q{number}{place}"
        )
        for place, protocol in enumerate(protocols)
    ]
    return Shown(detail.unit, along, _sheets(detail))


def _sheets(detail: Detail) -> list[Sheet]:
    """Pictures or text of every method at the smallest share."""
    arms = charts.smallest_share(detail.arms)
    named = [(f"{arm_parts(arm.arm)[0]}, question {arm.protocol}", arm) for arm in arms]
    if overlays.can_draw(detail):
        whole = Sheet("as they were read", overlays.sheet(detail, None), ())
        return [whole, *(Sheet(title, overlays.sheet(detail, arm), ()) for title, arm in named)]
    if not detail.words:
        return []
    return [Sheet(title, "", overlays.text_around_needles(detail, arm)) for title, arm in named]


QUALITY = (
    "Mean over the questions with 95 % intervals: Wilson's where every answer is right or wrong, else a bootstrap. "
    "Points are set a little apart where methods kept the same share."
)
LIKELIHOOD = "Mean negative log-likelihood of the reference's tokens with 95 % bootstrap intervals over the questions."
BUDGETS = (
    "Slots of each layer over the tokens of the prompt, at the smallest kept share, mean over the shown questions."
)
ENTROPY = "What an entropy allocator sees while it reads the prompt: left every head, right the mean that it uses;"
