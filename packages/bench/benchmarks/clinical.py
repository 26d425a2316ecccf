"""Cohorts against merely reading the same rows with the standard library, and the cost of the simulated hospital.

Ratios are of CPU seconds in the same run. The peer does less work: it reads each row and builds nothing.

usage: python benchmarks/clinical.py [RESULT.json] [PATIENTS]
"""

import csv
import gzip
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from medsuite.bench.clinical.cohort import build_cohort
from medsuite.bench.clinical.simulate.posterior import SimulatedView, posterior
from medsuite.bench.clinical.simulate.world import EHRWorld
from medsuite.bench.clinical.simulate.write_mimic4 import write_mimic4
from medsuite.bench.clinical.sources.mimic4 import open_source
from medsuite.bench.clinical.task import make_task


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of one run."""
    start = time.process_time()
    work()
    return time.process_time() - start


def count_rows(folder: Path) -> int:
    """Read every row of every table as a dictionary."""
    total = 0
    for path in sorted((folder / "hosp").iterdir()):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
            total += sum(1 for _ in csv.DictReader(lines))
    return total


def main(result: Path | None, patients: int) -> None:
    world = EHRWorld()
    drawn = world.sample(patients, seed=0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "mimic"
        write = cpu_seconds(lambda: write_mimic4(world, drawn, folder))
        rows = count_rows(folder)
        reading = cpu_seconds(lambda: count_rows(folder))
        cohort = min(cpu_seconds(lambda: build_cohort(open_source(folder), make_task("mortality"))) for _ in range(3))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    best = cpu_seconds(lambda: posterior(world, drawn, SimulatedView.RETROSPECTIVE))
    table = {
        "patients": patients,
        "rows": rows,
        "cohort: CPU s": cohort,
        "csv.DictReader, rows only: CPU s": reading,
        "reading / cohort": reading / cohort,
        "cohort: million rows a CPU s": rows / cohort / 1e6,
        "writing: CPU s": write,
        "posterior: CPU ms a patient": 1000 * best / patients,
        "peak resident memory of all: MB": peak,
    }
    for key, value in table.items():
        print(f"{key:36} {value:>12,.2f}" if isinstance(value, float) else f"{key:36} {value:>12,}")
    if result is not None:
        result.write_text(json.dumps(table, indent=2), encoding="utf-8")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(Path(arguments[0]) if arguments else None, int(arguments[1]) if len(arguments) > 1 else 10_000)
