"""The report of a run: the paper's number beside the measured one, on one page that can say no."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medsuite.core.claims.decision import Result, write_results
from medsuite.core.claims.model import Scale
from medsuite.core.reporting import Page, drawing_style, render, svg
from medsuite.core.runs import RunFolder, write_atomically


@dataclass(frozen=True)
class _Picture:
    title: str
    caption: str
    svg: str


def write_report(results: Sequence[Result], scale: Scale, folder: RunFolder) -> Path:
    """Write `report.html` and `results.json` into the run folder and return the report's path.

    Args:
        results: One per claim, in the order in which they are shown.
        scale: The scale that was run.
        folder: The run folder.
    """
    write_results(results, folder)
    manifest = folder.manifest()
    page = Page("Published claims, measured", f"medsuite reproduce at the {scale} scale: {_tally(results)}")
    text = render(
        "report.html.jinja",
        page,
        package="medsuite.core.claims",
        results=results,
        papers=_papers(results),
        scale=scale,
        data=manifest["config"]["data"] or "",
        manifest=manifest,
        command=shlex.join(["medsuite", *manifest["command"][1:]]),
        drawings={result.registered.claim.id: _pictures(result) for result in results},
        settings={result.registered.claim.id: result.registered.claim.settings(scale) for result in results},
    )
    path = folder.path / "report.html"
    write_atomically(path, text)
    return path


def _tally(results: Sequence[Result]) -> str:
    """Count the claims by outcome, such as `2 supported, 1 not supported`."""
    statuses = [result.status for result in results]
    return ", ".join(f"{statuses.count(status)} {status}" for status in sorted(set(statuses))) or "no claims"


def _papers(results: Sequence[Result]) -> list[list[Result]]:
    """Group the claims by paper; the first of each group is the paper's headline."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.registered.claim.paper.identifier, []).append(result)
    return list(groups.values())


def _pictures(result: Result) -> list[_Picture]:
    """Draw a claim's figures; a drawing that fails is shown as text in its place."""
    if not result.verdicts:
        return []
    claim = result.registered.claim
    slug = claim.id.replace("/", "-")
    try:
        with drawing_style():
            drawings = claim.draw(result.rows)
        return [
            _Picture(drawing.title, drawing.caption, svg(drawing.figure, f"{slug}-{index}", drawing.title))
            for index, drawing in enumerate(drawings)
        ]
    except Exception as error:
        return [_Picture("The figures could not be drawn", f"{type(error).__name__}: {error}", "")]
