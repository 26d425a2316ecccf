"""Tables that the command line and the benchmarks print."""

from collections.abc import Sequence

import numpy as np

from medsuite.meda_kv.evaluate.arms import load_model
from medsuite.meda_kv.evaluate.haystack import passage
from medsuite.meda_kv.evaluate.peer_bench import compare_with_kvpress, peer_lines
from medsuite.meda_kv.evaluate.speed import Decoding, decode_speed
from medsuite.meda_kv.methods import method


def bench_table(model: str, prompt_tokens: int, methods: Sequence[str], ratio: float, new_tokens: int) -> str:
    """Time decoding of the named methods on a passage of real text; see `speed.decode_speed`."""
    loaded, tokenizer = load_model(model)
    recipes = {name: method(name, ratio=ratio, exact=False) for name in methods}
    tokens = passage(tokenizer, prompt_tokens, np.random.default_rng(0))[None]
    return decoding_table(decode_speed(loaded, tokens, recipes, new_tokens))


def peer_table(model: str, prompt_tokens: int, methods: Sequence[str], ratio: float, new_tokens: int) -> str:
    """Time the named methods that kvpress has too, ours and theirs; see `peer_bench.compare_with_kvpress`."""
    loaded, tokenizer = load_model(model)
    tokens = passage(tokenizer, prompt_tokens, np.random.default_rng(0))[None]
    return peer_lines(compare_with_kvpress(loaded, tokens, methods, ratio, new_tokens))


def decoding_table(results: Sequence[Decoding]) -> str:
    """One line an arm: bytes, time per token, speed-up over the full cache, and what reading everything once gives."""
    full = next(result for result in results if result.arm == "full")
    heads = ("prompt", 8), ("KV bytes", 14), ("ms/token", 10), ("speed-up", 10), ("read once", 11), ("compress ms", 13)
    lines = [f"{'arm':<16}" + "".join(f"{name:>{width}}" for name, width in heads)]
    lines += [
        f"{result.arm:<16}{result.prompt_tokens:>8,}{result.kv_bytes:>14,}{result.token_ms:>10.1f}"
        f"{full.token_ms / result.token_ms:>9.2f}x{result.read_once:>10.2f}x{result.compress_ms:>13.1f}"
        for result in results
    ]
    return "\n".join(lines)
