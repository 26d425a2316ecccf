"""The commands `medsuite reproduce` and `medsuite claims`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from medsuite.core.claims.decision import Result, decide
from medsuite.core.claims.model import SCALES, Scale
from medsuite.core.claims.progress import Progress
from medsuite.core.claims.registry import find_claims
from medsuite.core.claims.report import write_report
from medsuite.core.claims.runner import MOST_PROCESSES, Plan, cores, run
from medsuite.core.errors import InputError, MedsuiteError, unknown_name
from medsuite.core.reporting import number
from medsuite.core.runs import RunFolder


class ListByDefault(TyperGroup):
    """A group whose `list` runs when no command is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `list` where nothing was said."""
        return super().parse_args(ctx, args or ["list"])


FILE_WIDTH = 160
"""Columns of a table that goes into a file or a pipe."""

reproduce_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
claims_app = typer.Typer(cls=ListByDefault, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@reproduce_app.command()
def reproduce(
    claims: Annotated[list[str] | None, typer.Argument(help="Claim ids or packages; all when left out.")] = None,
    scale: Annotated[str, typer.Option(help="smoke, laptop, workstation or paper.")] = "laptop",
    data: Annotated[Path | None, typer.Option(help="Folder of the paper's own data set.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; medsuite-reproduce-SCALE when left out.")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; one a core, at most 8, when left out.")
    ] = None,
) -> None:
    """Measure the papers' claims and write one report; a killed run goes on when the same command is run again."""
    if scale not in SCALES:
        raise unknown_name("scale", scale, SCALES)
    if data is not None and not data.is_dir():
        raise InputError(f"--data {data} is no folder", expected="the folder of a data set in its original layout")
    selected = find_claims(claims or ())
    if not selected:
        raise MedsuiteError("no installed package registers a claim", fix="pip install medsuite-meda-kv")
    runnable = [claim for claim in selected if scale in claim.claim.scales]
    config = {"scale": scale, "data": str(data.resolve()) if data else None}
    folder = RunFolder.open(out or Path(f"medsuite-reproduce-{scale}"), config)
    console, processes = _console(), jobs or min(cores(), MOST_PROCESSES)
    with Progress(console, processes) as progress:
        run(Plan(runnable, scale, folder, data), processes=processes, watcher=progress)
    _conclude([decide(claim, scale, folder) for claim in runnable], scale, folder, console)


@claims_app.command("list")
def list_claims() -> None:
    """List the registered claims."""
    table = Table(box=None, pad_edge=False)
    for column in ("Claim", "Statement", "Published", "Scales"):
        table.add_column(column, overflow="fold")
    for registered in find_claims():
        claim = registered.claim
        figures = ", ".join(figure.text for figure in claim.published)
        table.add_row(claim.id, claim.statement, figures, ", ".join(claim.scales))
    _console().print(table)


@claims_app.command("decide")
def decide_again(run_folder: Annotated[Path, typer.Argument(help="Folder of a run.", metavar="RUN")]) -> None:
    """Decide a run's rows anew, without running anything, and write its report."""
    folder = RunFolder.existing(run_folder)
    scale = cast(Scale, folder.manifest()["config"]["scale"])
    measured = [claim for claim in find_claims() if scale in claim.claim.scales]
    results = [decide(claim, scale, folder) for claim in measured]
    _conclude([result for result in results if result.done or result.failures], scale, folder, _console())


def _console() -> Console:
    """Write as wide as the terminal is, and wide enough for a table into a file."""
    console = Console()
    return console if console.is_terminal else Console(width=FILE_WIDTH)


def _conclude(results: Sequence[Result], scale: Scale, folder: RunFolder, console: Console) -> None:
    """Write the report, print the table, and exit with 1 if anything failed."""
    report = write_report(results, scale, folder)
    console.print(_table(results))
    for result in results:
        for failure in result.failures:
            console.print(f"{result.registered.claim.id} failed: {failure}", markup=False)
    console.print(f"report: {report}", markup=False, soft_wrap=True)
    if any(result.failures for result in results):
        raise typer.Exit(1)


def _table(results: Sequence[Result]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("Claim", "Published", "Measured", "Verdict", "Statement"):
        table.add_column(column, overflow="fold")
    for result in results:
        identifier = result.registered.claim.id
        if not result.verdicts:
            table.add_row(identifier, "", f"{result.done} of {result.jobs} jobs", result.status, "")
        for verdict in result.verdicts:
            measured = f"{number(verdict.estimate)} [{number(verdict.low)}, {number(verdict.high)}] {verdict.unit}"
            table.add_row(identifier, verdict.published or "–", measured, verdict.outcome, verdict.statement)
            identifier = ""
    return table
