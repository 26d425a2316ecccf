"""Tables that the command line and the benchmarks print."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from medsuite.meda_kv.evaluate.arms import load_model, shared_plan
from medsuite.meda_kv.evaluate.haystack import passage
from medsuite.meda_kv.evaluate.needle import passkey
from medsuite.meda_kv.evaluate.questions import PROTOCOLS, Score, ask
from medsuite.meda_kv.evaluate.speed import Decoding, decode_speed
from medsuite.meda_kv.methods import method
from medsuite.meda_kv.prompt import observing


def bench_table(model: str, prompt_tokens: int, methods: Sequence[str], ratio: float, new_tokens: int) -> str:
    """Time decoding of the named methods on a passage of real text; see `speed.decode_speed`."""
    loaded, tokenizer = load_model(model)
    recipes = {name: method(name, ratio=ratio, exact=False) for name in methods}
    tokens = passage(tokenizer, prompt_tokens, np.random.default_rng(0))[None]
    return decoding_table(decode_speed(loaded, tokens, recipes, new_tokens))


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


def passkey_table(model: str, context: int, questions: int, methods: Sequence[str], ratio: float, seed: int) -> str:
    """Ask the named methods for pass keys; mean and standard error over the questions, both protocols."""
    loaded, tokenizer = load_model(model)
    recipes = {name: method(name, ratio=ratio) for name in methods}
    scores: dict[str, list[Score]] = defaultdict(list)
    with observing(loaded, shared_plan(recipes)) as session:
        for number in range(questions):
            for score in ask(session, passkey(tokenizer, context, np.random.default_rng([seed, number])), recipes):
                scores[score.arm].append(score)
    heads = "".join(f"{'question ' + protocol + ': nats/digit':>34}{'right':>8}" for protocol in PROTOCOLS)
    lines = [f"{'arm':<16}{'kept':>7}{heads}"]
    for arm, mine in scores.items():
        cells = "".join(_cell([score for score in mine if score.protocol == protocol]) for protocol in PROTOCOLS)
        lines.append(f"{arm:<16}{np.mean([score.kept_share for score in mine]):>7.3f}{cells}")
    return "\n".join([*lines, "guessing a digit costs 2.30 nats"])


def _cell(scores: Sequence[Score]) -> str:
    losses = np.array([score.nll for score in scores])
    error = losses.std(ddof=1) / np.sqrt(len(losses)) if len(losses) > 1 else np.nan
    right = np.mean([score.correct for score in scores])
    return f"{losses.mean():>24.3f} +- {error:>6.3f}{100 * right:>6.0f} %"
