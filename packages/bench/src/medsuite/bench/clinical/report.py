"""What the command line prints and writes about a cohort."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

from medsuite.bench.clinical.codes import EXTRA
from medsuite.bench.clinical.cohort import Cohort, build_cohort
from medsuite.bench.clinical.flow import flow_rows, flow_table
from medsuite.bench.clinical.sources.mimic4 import guess_version, open_source
from medsuite.bench.clinical.task import make_task
from medsuite.bench.output import check_file
from medsuite.core.errors import require
from medsuite.core.runs import write_atomically

if TYPE_CHECKING:
    from rich.console import Group


def build(
    folder: Path, task: str, preset: str, view: str, hours: float, outcome_codes: bool, drug_map: Path | None
) -> Cohort:
    """Build a cohort from names; see `make_task`, `open_source` and `build_cohort`."""
    made = make_task(task, preset, view, hours, outcome_codes)
    return build_cohort(open_source(folder, drug_map), made)


def describe_cohort(cohort: Cohort) -> "Group":
    """Lay out the flow chart, the labels and what was odd."""
    from rich.console import Group

    labels = {label: int((cohort.label == label).sum()) for label in cohort.task.labels}
    shares = ", ".join(f"{label}: {count:,} ({count / max(len(cohort), 1):.1%})" for label, count in labels.items())
    odd = [f"{name}: {count:,}" for name, count in cohort.audit.items() if count]
    lines = [f"labels {shares}" if len(cohort) else "the cohort is empty"]
    if len(cohort):
        lines.append(f"codes a stay: {len(cohort.event_code) / len(cohort):.1f}")
    return Group(flow_table(cohort.flow, cohort.task.name), *lines, *odd)


def describe_source(folder: Path, drug_map: Path | None) -> str:
    """Count the rows of every table, and compare them with the nearest released version."""
    duckdb = require("duckdb", extra=EXTRA)
    source = open_source(folder, drug_map)
    with duckdb.connect() as connection:
        counts = source.count_rows(connection)
    version, problems = guess_version(counts)
    lines = [f"{table}: {rows:,} rows" for table, rows in counts.items()]
    nature = (
        "simulated patients" if source.simulated else f"version {version}" if version else "no version that is known"
    )
    return "\n".join([*lines, nature, *problems])


def write_flow(path: Path, cohort: Cohort) -> None:
    """Write a flow chart as CSV, with the SQL condition of each step.

    Raises:
        InputError: No file can be written there.
    """
    check_file(path)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("step", "stays", "patients", "left", "condition"))
    writer.writerows(flow_rows(cohort.flow))
    write_atomically(path, text.getvalue())
