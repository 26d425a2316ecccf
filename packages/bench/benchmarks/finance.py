"""Drawing against mplfinance and opening a big table against pandas, as ratios in one run.

usage: python benchmarks/finance.py [RESULT.json]
"""

import base64
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np

from medsuite.bench.finance.draw.canvas import Canvas, make_theme
from medsuite.bench.finance.draw.market import simulate_market
from medsuite.bench.finance.draw.price import WARM_UP, PriceSpec, compute_facts, draw_price

ROWS, PICTURE_BYTES = 200, 1_000_000


def cpu_seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the least CPU time of some repeats."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def drawing() -> dict[str, float]:
    """Draw the same 70 bars with three averages and volume here and by mplfinance."""
    import mplfinance
    import pandas

    history = simulate_market(WARM_UP + 70, np.random.default_rng(0))
    spec = PriceSpec((5, 10, 20), False, ("VOL",), True, "Harbor Steel", "600123")
    facts = compute_facts(history, spec, "en")

    def ours() -> None:
        canvas = Canvas(1000, 600, make_theme("green_up", "light"), "en", 13)
        draw_price(canvas, facts, spec)
        canvas.finish()

    names = ("open", "high", "low", "close", "volume")
    columns = {name.title(): getattr(facts.bars, name) for name in names}
    frame = pandas.DataFrame(columns, index=pandas.DatetimeIndex(facts.bars.dates))

    def theirs() -> None:
        mplfinance.plot(
            frame,
            type="candle",
            mav=(5, 10, 20),
            volume=True,
            figsize=(10, 6),
            savefig={"fname": BytesIO(), "dpi": 100},
        )

    seconds = {"ours": cpu_seconds(ours, 10), "mplfinance": cpu_seconds(theirs, 3)}
    return {**seconds, "ratio": seconds["mplfinance"] / seconds["ours"]}


OURS = (
    "from medsuite.bench.finance.offsets import OffsetTable; t = OffsetTable(__import__('pathlib').Path(P)); t.row(100)"
)
PANDAS = "import pandas; pandas.read_csv(P, sep='\\t').iloc[100]"


def reading() -> dict[str, float]:
    """Open a table of 200 rows with 1 MB of base64 each and read one row; peak memory of a fresh process, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.tsv"
        text = base64.b64encode(np.random.default_rng(0).bytes(PICTURE_BYTES)).decode()
        with path.open("w", newline="") as file:
            csv.writer(file, delimiter="\t").writerows([["index", "image"], *([str(n), text] for n in range(ROWS))])
        memory = {name: _peak(code, path) for name, code in {"ours": OURS, "pandas": PANDAS}.items()}
    return {**memory, "ratio": memory["pandas"] / memory["ours"]}


def _peak(code: str, path: Path) -> float:
    """Return the peak resident memory of a process beyond that of its imports."""
    report = "print(int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]) / 1024)"
    run = [sys.executable, "-c"]
    empty = code.split(";")[0]
    base, full = (
        float(subprocess.run([*run, f"P={str(path)!r}; {body}; {report}"], capture_output=True, check=True).stdout)
        for body in (empty, code)
    )
    return full - base


if __name__ == "__main__":
    result = {"candlestick chart, CPU seconds": drawing(), "one row of a 267 MB table, MB": reading()}
    for what, row in result.items():
        print(what, {name: round(value, 4) for name, value in row.items()})
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(result, indent=2))
