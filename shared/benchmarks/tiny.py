"""How long a tiny model takes to build, against the limit of one second: `uv run python shared/benchmarks/tiny.py`."""

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from medsuite.core import tiny

FAMILIES = ("gpt2", "llama", "vit", "llava", "qwen2_vl", "florence2")
LIMIT, REPEATS = 1.0, 5


def measure(family: str) -> dict[str, Any]:
    """Time the first build, which imports transformers' modules of the family, and the later ones."""
    seconds = []
    for _ in range(1 + REPEATS):
        start = time.perf_counter()
        built = getattr(tiny, family)()
        seconds.append(time.perf_counter() - start)
    later = statistics.median(seconds[1:])
    weights = built.model.num_parameters()
    return {"family": family, "weights": weights, "first": seconds[0], "later": later, "share_of_limit": later / LIMIT}


def main(out: Path) -> None:
    """Print the table and write it as JSON."""
    rows = [measure(family) for family in FAMILIES]
    print(f"{'family':<12}{'weights':>10}{'first, with imports':>21}{'later builds':>14}{'of the limit':>14}")
    for row in rows:
        times = f"{row['first']:>19.2f} s{row['later']:>12.3f} s{row['share_of_limit']:>14.1%}"
        print(f"{row['family']:<12}{row['weights']:>10,}{times}")
    out.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "tiny.json"))
