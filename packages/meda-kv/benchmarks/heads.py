"""Bytes and milliseconds per token of budgets per head: ours against AdaKV of kvpress, in one run.

python benchmarks/heads.py --prompt-tokens 2048 --ratio 0.5 --json heads.json

kvpress neutralises the keys that AdaKV evicts and keeps them; here they are freed. It wraps the attention functions of
transformers when it is imported, so that this process tests nothing else.
"""

import argparse
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import kvpress
import numpy as np
import torch
from peer import adapted
from transformers import DynamicCache

from medsuite.meda_kv import Budget, CompressedCache, Protect, Recipe, SnapKV, compress, storage_bytes
from medsuite.meda_kv.attention import cache_argument
from medsuite.meda_kv.evaluate.arms import load_model
from medsuite.meda_kv.evaluate.haystack import passage
from medsuite.meda_kv.heads import AdaHeads
from medsuite.meda_kv.quantise import AsComputed, EightBits

Arm = tuple[Callable[[], AbstractContextManager[Any]], Callable[[], DynamicCache]]


@torch.no_grad()
def measure(model: Any, tokens: Any, arm: Arm, steps: int) -> tuple[int, float]:
    """Bytes behind the prompt, and median milliseconds of a decoding step."""
    context, make = arm
    cache, ids = make(), torch.as_tensor(tokens)
    name = cache_argument(model)
    with context():
        model(ids, **{name: cache}, logits_to_keep=1)
        held = storage_bytes(cache)
        times = []
        for _ in range(steps):
            started = time.perf_counter()
            model(ids[:, :1], **{name: cache})
            times.append(1e3 * (time.perf_counter() - started))
    return held, float(np.median(times))


def arms(model: Any, ratio: float) -> dict[str, Arm]:
    def ours(**parts: Any) -> Arm:
        recipe = Recipe(Budget(ratio=ratio), select=SnapKV(queries=64), protect=Protect(sinks=0), **parts)
        return lambda: compress(model, recipe), lambda: CompressedCache(model.config)

    def plain() -> DynamicCache:
        return DynamicCache(config=model.config)

    def theirs() -> AbstractContextManager[Any]:
        return adapted(kvpress.AdaKVPress(kvpress.SnapKVPress(1 - ratio)))(model)

    return {
        "full cache": (nullcontext, plain),
        "AdaKV of kvpress": (theirs, plain),
        "equal heads": ours(),
        "heads as scores lie": ours(heads=AdaHeads(), store=AsComputed()),
        "heads as scores lie, int8": ours(heads=AdaHeads(), store=EightBits()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--prompt-tokens", type=int, default=2048)
    parser.add_argument("--ratio", type=float, default=0.5)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    model, tokenizer = load_model(given.model)
    tokens = passage(tokenizer, given.prompt_tokens, np.random.default_rng(0))[None]
    results = {name: measure(model, tokens, arm, given.steps) for name, arm in arms(model, given.ratio).items()}
    peer = results["AdaKV of kvpress"]
    print(f"{given.model}, {tokens.shape[1]} tokens, kept {given.ratio}\n")
    print("| arm | bytes of keys and values | of kvpress's | ms per token | of kvpress's |\n|---|---|---|---|---|")
    for name, (held, step) in results.items():
        print(f"| {name} | {held:,} | {held / peer[0]:.3f} | {step:.1f} | {step / peer[1]:.2f} |")
    if given.json:
        rows = [{"arm": name, "bytes": held, "milliseconds": step} for name, (held, step) in results.items()]
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
