"""The direct WFDB reader against the `wfdb` package: `python benchmarks/read_wfdb.py [OUT.json]`.

One record of 12 leads, 10 s at 500 Hz, format 16. CPU time, interleaved, minimum of the rounds, equal samples checked.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import wfdb

from medsuite.ecg_align import LEADS12, read_wfdb

ROUNDS = 30


def write_record(folder: str) -> Path:
    """Write a record of random counts with the package itself."""
    counts = np.random.default_rng(0).integers(-2000, 2000, (5000, 12))
    wfdb.wrsamp(
        "rec", 500, ["mV"] * 12, list(LEADS12), d_signal=counts, fmt=["16"] * 12, adc_gain=[1000.0] * 12,
        baseline=[0] * 12, write_dir=folder,
    )  # fmt: skip
    return Path(folder) / "rec.hea"


def cpu_milliseconds(read: Callable[[], object]) -> float:
    """Return the CPU time of one call."""
    start = time.process_time()
    read()
    return 1e3 * (time.process_time() - start)


def main() -> None:
    """Print the times and their ratio, and write JSON where a path is given."""
    with tempfile.TemporaryDirectory() as folder:
        header = write_record(folder)
        name = str(header.with_suffix(""))
        if not np.array_equal(read_wfdb(header).signal, wfdb.rdsamp(name)[0].T):
            raise SystemExit("the samples differ")
        pairs = [
            (cpu_milliseconds(lambda: read_wfdb(header)), cpu_milliseconds(lambda: wfdb.rdsamp(name)))
            for _ in range(ROUNDS)
        ]
    ours, theirs = (min(times) for times in zip(*pairs, strict=True))
    print(f"direct {ours:.2f} ms, wfdb.rdsamp {theirs:.2f} ms: {theirs / ours:.1f} times faster, same samples")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps({"direct_ms": ours, "wfdb_ms": theirs}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
