"""What observation adds to reading a prompt: exact and sampled, and SnapKV against kvpress, in one run.

    python benchmarks/prefill.py --context 2048 --json prefill.json

The reference is the same model without any session; every row alternates with it. With kvpress installed (see
`peer.py`) its SnapKV runs in the same process, and last, since importing it wraps every attention function.
"""

import argparse
import importlib.util
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

from medsuite.meda_kv import Budget, FullRowEntropy, Recipe, Sampled, SnapKV, compress
from medsuite.meda_kv.evaluate.arms import load_model
from medsuite.meda_kv.evaluate.haystack import passage

SHARE = 0.2


def contexts(model: Any) -> dict[str, Callable[[], AbstractContextManager]]:
    budget = Budget(ratio=SHARE)
    window = SnapKV(queries=64)
    entropy = {
        "entropy, every row": Recipe(budget, FullRowEntropy(), window),
        "entropy, 256 rows": Recipe(budget, FullRowEntropy(), window, rows=Sampled(256)),
        "entropy, 64 rows": Recipe(budget, FullRowEntropy(), window, rows=Sampled(64)),
        "SnapKV": Recipe(budget, select=window),
    }
    return {name: (lambda recipe=recipe: compress(model, recipe)) for name, recipe in entropy.items()}


@torch.no_grad()
def seconds(model: Any, tokens: torch.Tensor, context: AbstractContextManager) -> float:
    with context:
        started = time.perf_counter()
        model(tokens, use_cache=True, logits_to_keep=1)
        return time.perf_counter() - started


def compare(model: Any, tokens: torch.Tensor, name: str, context: Callable, rounds: int) -> dict[str, Any]:
    """Median ratio over rounds in which the arm and the reference alternate."""
    pairs = [(seconds(model, tokens, nullcontext()), seconds(model, tokens, context())) for _ in range(rounds)]
    plain, ours = np.median(pairs, axis=0)
    ratio = float(np.median([after / before for before, after in pairs]))
    print(f"{name:<24}{plain:>10.2f} s{ours:>10.2f} s{100 * (ratio - 1):>+9.1f} %", flush=True)
    return {"arm": name, "plain_s": float(plain), "arm_s": float(ours), "ratio": ratio}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    model, tokenizer = load_model(given.model)
    tokens = passage(tokenizer, given.context, np.random.default_rng(0))[None]
    seconds(model, tokens, nullcontext())
    print(f"{given.context} tokens{'':<13}{'plain':>12}{'arm':>12}{'overhead':>11}")
    rows = [compare(model, tokens, name, context, given.rounds) for name, context in contexts(model).items()]
    if importlib.util.find_spec("kvpress") is not None:
        import kvpress
        from peer import adapted

        press = adapted(kvpress.SnapKVPress(1 - SHARE, window_size=64))
        rows.append(compare(model, tokens, "SnapKV of kvpress", lambda: press(model), given.rounds))
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
