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
    units: Annotated[str | None, typer.Option(help="Unit where a WFDB header names none: uV, mV or V.")] = None,
) -> None:
    """Show a recording's leads, lost samples, contradictions and statements."""
    from medsuite.ecg_align.inspection import describe
    from medsuite.ecg_align.readers import read_recording

    typer.echo(describe(read_recording(path, units=units)))


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="Folder that exists, for the WFDB records.")],
    records: Annotated[int, typer.Option(help="Number of records.")] = 10,
    seconds: Annotated[float, typer.Option(help="Length of a record.")] = 10.0,
    rate: Annotated[float, typer.Option(help="Sampling rate in Hz.")] = 500.0,
    seed: Annotated[int, typer.Option(help="Seed.")] = 0,
) -> None:
    """Simulate twelve-lead records and write them as WFDB, the findings that were put in as comments."""
    import numpy as np

    from medsuite.ecg_align.simulate import Simulator
    from medsuite.ecg_align.writing import write_wfdb

    batch = Simulator(rate=rate, seconds=seconds).draw(records, np.random.default_rng(seed))
    for index in range(records):
        typer.echo(write_wfdb(batch.recording(index), folder, f"simulated-{index:05d}"))


@app.command()
def extract(report: Annotated[str, typer.Argument(help="An English report.")]) -> None:
    """Show the findings that a report asserts, doubts and denies."""
    from medsuite.ecg_align.reports import extract as find

    for mention in find(report):
        typer.echo(f"{mention.certainty:<9} {mention.finding}  ({mention.text!r} in {mention.clause!r})")
