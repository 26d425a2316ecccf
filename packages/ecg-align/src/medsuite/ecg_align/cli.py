"""`medsuite ecg-align`: look at recordings, simulate some, and read findings out of reports."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Electrocardiograms aligned with text (SuPreME, K-MERL). For research; not a medical device.",
    no_args_is_help=True,
)
data = typer.Typer(help="Look at recordings.", no_args_is_help=True)
app.add_typer(data, name="data")


@data.command()
def inspect(
    path: Annotated[Path, typer.Argument(help="A DICOM waveform, or a WFDB record with or without its suffix.")],
    leads: Annotated[str | None, typer.Option(help="Leads to read, such as I,II; all without it.")] = None,
    units: Annotated[str | None, typer.Option(help="Unit where a WFDB header names none: uV, mV or V.")] = None,
) -> None:
    """Show a recording's leads, lost samples, contradictions and statements."""
    from medsuite.ecg_align.inspection import describe
    from medsuite.ecg_align.readers import read_recording

    chosen = [name.strip() for name in leads.split(",")] if leads else None
    typer.echo(describe(read_recording(path, leads=chosen, units=units)))


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="Folder that exists, for the WFDB records.")],
    records: Annotated[int, typer.Option(help="Number of records.")] = 10,
    seconds: Annotated[float, typer.Option(help="Length of a record.")] = 10.0,
    rate: Annotated[float, typer.Option(help="Sampling rate in Hz.")] = 500.0,
    seed: Annotated[int, typer.Option(help="Seed.", min=0)] = 0,
) -> None:
    """Simulate twelve-lead records and write them as WFDB, the findings that were put in as comments."""
    from medsuite.ecg_align.simulate import Simulator
    from medsuite.ecg_align.writing import write_simulated

    for header in write_simulated(Simulator(rate=rate, seconds=seconds), records, folder, seed):
        typer.echo(header)


@app.command()
def extract(report: Annotated[str, typer.Argument(help="An English report.")]) -> None:
    """Show the findings that a report asserts, doubts and denies."""
    from medsuite.ecg_align.reports import extract as find

    mentions = find(report)
    if not mentions:
        typer.echo("no finding that the rules know is mentioned", err=True)
    for mention in mentions:
        typer.echo(f"{mention.certainty:<9} {mention.finding}  ({mention.text!r} in {mention.clause!r})")
