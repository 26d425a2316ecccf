"""Memory of the attention statistics against the length of the prompt: linear, where the attention matrix is quadratic.

    python benchmarks/score_memory.py --tokens 2048 8192 32768 --json score_memory.json

One layer of SmolLM2-135M's shape, random queries and keys, float32. Every length runs in a process of its own; what is
counted is how far the resident memory rises above what queries and keys occupy (Linux). Beside it stands the size of
the attention matrix that is never made.
"""

import argparse
import json
import multiprocessing
import re
import time
from pathlib import Path
from typing import Any

import torch

from medsuite.meda_kv.observe.blocks import AttentionInputs
from medsuite.meda_kv.observe.observer import LayerObserver, ObservationPlan, Tokens
from medsuite.meda_kv.observe.sampling import Exact, Sampled

HEADS, GROUPS, DIM = 9, 3, 64
ROWS = {"every row": Exact(), "128 rows": Sampled(128)}


def peak_bytes() -> int:
    """Most bytes that this process has held since `forget_peak`."""
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text()).group(1))


def forget_peak() -> None:
    """Let the peak begin at what is held now."""
    Path("/proc/self/clear_refs").write_text("5")


def measure(tokens: int, rows: str) -> dict[str, Any]:
    """Observe entropies and accumulated attention of one layer."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    plan = ObservationPlan(frozenset({"full entropy", "accumulated attention"}), window=32, rows=ROWS[rows])
    warm = attention(256)
    LayerObserver(plan).observe(*warm)
    inputs, seen = attention(tokens)
    forget_peak()
    before, started = peak_bytes(), time.perf_counter()
    with torch.inference_mode():
        observer = LayerObserver(plan).observe(inputs, seen)
    assert observer.mass is not None
    return {
        "tokens": tokens,
        "rows": rows,
        "extra_bytes": peak_bytes() - before,
        "seconds": time.perf_counter() - started,
        "matrix_bytes": 4 * HEADS * tokens**2,
    }


def attention(tokens: int) -> tuple[AttentionInputs, Tokens]:
    """Queries and keys of one causal layer."""
    query, key = torch.randn(1, HEADS, tokens, DIM), torch.randn(1, GROUPS, tokens, DIM)
    valid = torch.ones(1, tokens, dtype=torch.bool)
    return AttentionInputs(query, key, DIM**-0.5, None), Tokens(valid, ~valid, torch.zeros(1, dtype=torch.bool))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, nargs="+", default=[2048, 8192, 32768])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    print(f"{'tokens':>8}  {'observed':<12}{'extra MiB':>10}{'KiB/token':>11}{'matrix MiB':>12}{'seconds':>9}")
    rows = []
    for name in ROWS:
        for tokens in given.tokens:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                row = pool.apply(measure, (tokens, name))
            rows.append(row)
            extra = row["extra_bytes"]
            print(
                f"{tokens:>8,}  {name:<12}{extra / 2**20:>10.1f}{extra / 2**10 / tokens:>11.2f}"
                f"{row['matrix_bytes'] / 2**20:>12,.0f}{row['seconds']:>9.2f}",
                flush=True,
            )
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
