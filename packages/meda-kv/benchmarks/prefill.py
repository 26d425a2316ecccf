"""What observation adds to reading a prompt: exact and sampled, and SnapKV against kvpress, in one run.

    python benchmarks/prefill.py --context 2048 --json prefill.json

The reference is the same model without any session; every row alternates with it. Beside the difference of the two
stands the time that was spent inside the package's own functions, which the noise of the model's pass does not touch.
With kvpress installed (see `peer.py`) its SnapKV runs in the same process, and last, since importing it wraps every
attention function; its time is that of its forward hook.
"""

import argparse
import importlib.util
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from medsuite.meda_kv import Budget, Exact, FullRowEntropy, Recipe, Sampled, SnapKV, compress, session
from medsuite.meda_kv.evaluate.arms import load_model
from medsuite.meda_kv.evaluate.haystack import passage
from medsuite.meda_kv.session import Session

SHARE = 0.2


def contexts(model: Any) -> dict[str, Callable[[], AbstractContextManager]]:
    budget = Budget(ratio=SHARE)
    window = SnapKV(queries=64)
    entropy = {
        "entropy, every row": Recipe(budget, FullRowEntropy(), window, rows=Exact()),
        "entropy, 128 rows": Recipe(budget, FullRowEntropy(), window),
        "entropy, 64 rows": Recipe(budget, FullRowEntropy(), window, rows=Sampled(64)),
        "SnapKV": Recipe(budget, select=window),
    }
    return {name: (lambda recipe=recipe: compress(model, recipe)) for name, recipe in entropy.items()}


class Stopwatch:
    """Adds up the time that is spent inside functions."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, watched."""

        @wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - started

        return watched


@contextmanager
def watching(watch: Stopwatch) -> Iterator[None]:
    """Watch all that a session does while a prompt is read."""
    with (
        patch.object(session, "compress_cache", watch.around(session.compress_cache)),
        patch.object(Session, "observe", watch.around(Session.observe)),
    ):
        yield


@torch.no_grad()
def seconds(model: Any, tokens: torch.Tensor, context: AbstractContextManager) -> float:
    with context:
        started = time.perf_counter()
        model(tokens, use_cache=True, logits_to_keep=1)
        return time.perf_counter() - started


def compare(
    model: Any, tokens: torch.Tensor, name: str, context: Callable, rounds: int, watch: Stopwatch
) -> dict[str, Any]:
    """Median ratio over rounds in which the arm and the reference alternate."""
    pairs, inside = [], []
    for _ in range(rounds):
        before, watch.seconds = seconds(model, tokens, nullcontext()), 0.0
        pairs.append((before, seconds(model, tokens, context())))
        inside.append(watch.seconds)
    plain, ours = np.median(pairs, axis=0)
    ratio, own = float(np.median([after / before for before, after in pairs])), float(np.median(inside))
    overheads = f"{100 * (ratio - 1):>+9.1f} %{own:>9.3f} s{100 * own / plain:>7.1f} %"
    print(f"{name:<24}{plain:>10.2f} s{ours:>10.2f} s{overheads}", flush=True)
    return {"arm": name, "plain_s": float(plain), "arm_s": float(ours), "ratio": ratio, "inside_s": own}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--context", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--arms", nargs="+", help="names of arms as printed; all when left out")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    model, tokenizer = load_model(given.model)
    tokens = passage(tokenizer, given.context, np.random.default_rng(0))[None]
    seconds(model, tokens, nullcontext())
    print(f"{given.context} tokens{'':<13}{'plain':>12}{'arm':>12}{'overhead':>11}{'inside':>11}{'of plain':>9}")
    watch = Stopwatch()
    with watching(watch):
        rows = [
            compare(model, tokens, name, context, given.rounds, watch)
            for name, context in contexts(model).items()
            if not given.arms or name in given.arms
        ]
    if importlib.util.find_spec("kvpress") is not None:
        import kvpress
        from peer import adapted

        press = adapted(kvpress.SnapKVPress(1 - SHARE, window_size=64))
        press.forward_hook = watch.around(press.forward_hook)
        rows.append(compare(model, tokens, "SnapKV of kvpress", lambda: press(model), given.rounds, watch))
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
