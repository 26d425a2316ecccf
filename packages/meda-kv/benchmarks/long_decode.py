"""Milliseconds per token behind long prompts, full cache against a fifth of it, without reading the prompts.

    python benchmarks/long_decode.py --contexts 8192 32768 --json long_decode.json

Speed and bytes need neither trained weights nor real text: the model has the shape of SmolLM2-135M and random weights,
and the caches are filled with random keys and values. The full arm is transformers' own cache without any session. The
same for a prompt that was as short from the start is the limit: a compressed cache cannot be faster than that.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

from medsuite.meda_kv import CompressedCache, follow, observing, storage_bytes
from medsuite.meda_kv.attention import cache_argument
from medsuite.meda_kv.evaluate.speed import weight_bytes
from medsuite.meda_kv.observe.observer import ObservationPlan


def build(dtype: torch.dtype) -> LlamaForCausalLM:
    """A model of SmolLM2-135M's shape."""
    config = LlamaConfig(
        vocab_size=49152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        tie_word_embeddings=True,
        max_position_embeddings=65536,
        attn_implementation="sdpa",
    )
    torch.manual_seed(0)
    return LlamaForCausalLM(config).to(dtype).eval()


def fill(cache: DynamicCache, model: LlamaForCausalLM, tokens: int, kept: int) -> DynamicCache:
    """Fill a cache with random rows; of a compressed one keep evenly spread rows and free the others."""
    heads, dim = model.config.num_key_value_heads, model.config.hidden_size // model.config.num_attention_heads
    columns = torch.linspace(0, tokens - 1, kept).long()
    for index in range(model.config.num_hidden_layers):
        keys, values = torch.randn(2, 1, heads, tokens, dim, dtype=model.dtype).unbind(0)
        cache.update(keys.clone(), values.clone(), index)
        if kept < tokens:
            positions = columns.expand(1, heads, -1)
            valid = torch.ones(1, kept, dtype=torch.bool)
            cache.layers[index].keep(keys[:, :, columns].clone(), values[:, :, columns].clone(), positions, valid)
    return cache


def milliseconds(step: Callable[[], Tensor], steps: int) -> list[float]:
    times = []
    for _ in range(steps):
        started = time.perf_counter()
        step()
        times.append(1000 * (time.perf_counter() - started))
    return times


@torch.no_grad()
def measure(model: LlamaForCausalLM, tokens: int, ratio: float, steps: int, rounds: int) -> dict[str, float]:
    """Alternate both arms over the rounds; the first step of each round is left out."""
    kept, token = int(ratio * tokens), torch.zeros(1, 1, dtype=torch.long)
    full = fill(DynamicCache(config=model.config), model, tokens, tokens)
    short = fill(DynamicCache(config=model.config), model, kept, kept)
    smaller = fill(CompressedCache(model.config), model, tokens, kept)
    sizes = {"full": storage_bytes(full), "kept": storage_bytes(smaller)}
    times: dict[str, list[list[float]]] = {"full": [], "short": [], "kept": []}
    for _ in range(rounds):
        for arm, cache in (("full", full), ("short", short)):
            plain = {cache_argument(model) or "cache": cache}
            steps_of = milliseconds(lambda given=plain: model(token, use_cache=True, **given).logits, steps)
            times[arm].append(steps_of[1:])
        with observing(model, ObservationPlan()) as session:
            times["kept"].append(milliseconds(lambda one=session: follow(one, smaller, token), steps)[1:])
    medians = {arm: float(np.median(rounds_of)) for arm, rounds_of in times.items()}
    ratios = [np.median(before) / np.median(after) for before, after in zip(times["full"], times["kept"], strict=True)]
    weights = weight_bytes(model)
    return {
        "tokens": tokens,
        "full_bytes": sizes["full"],
        "kept_bytes": sizes["kept"],
        "full_ms": medians["full"],
        "kept_ms": medians["kept"],
        "short_ms": medians["short"],
        "speed_up": medians["full"] / medians["kept"],
        "slowest_round": float(min(ratios)),
        "fastest_round": float(max(ratios)),
        "limit": medians["full"] / medians["short"],
        "read_once": (weights + sizes["full"]) / (weights + sizes["kept"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contexts", type=int, nargs="+", default=[8192, 32768])
    parser.add_argument("--ratio", type=float, default=0.2)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    model = build(torch.float32)
    columns = (("bytes full", 16), ("bytes kept", 16), ("share", 8), ("ms full", 9), ("ms kept", 9), ("speed-up", 20))
    print(f"{'prompt':>8}" + "".join(f"{title:>{width}}" for title, width in (*columns, ("limit", 8))))
    rows = []
    for tokens in given.contexts:
        row = measure(model, tokens, given.ratio, given.steps, given.rounds)
        rows.append(row)
        share, spread = (
            row["kept_bytes"] / row["full_bytes"],
            f"[{row['slowest_round']:.2f}, {row['fastest_round']:.2f}]",
        )
        print(
            f"{tokens:>8,}{row['full_bytes']:>16,}{row['kept_bytes']:>16,}{share:>8.3f}{row['full_ms']:>9.1f}"
            f"{row['kept_ms']:>9.1f}{row['speed_up']:>6.2f}x {spread}{row['limit']:>7.2f}x",
            flush=True,
        )
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
