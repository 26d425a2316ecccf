"""Our methods and kvpress's own in one run: the same prompt, the same model, the same settings, alternating."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from medsuite.meda_kv.attention import cache_argument
from medsuite.meda_kv.cache import CompressedCache, compressible, storage_bytes
from medsuite.meda_kv.evaluate.peer import Pair, common_methods, pair
from medsuite.meda_kv.recipe import Protect
from medsuite.meda_kv.session import compress


@dataclass(frozen=True)
class PeerTiming:
    """One method, ours and theirs.

    Attributes:
        method: Its name.
        prompt_tokens: Length of the prompt.
        prefill: Seconds to read and compress the prompt: plain model, ours, theirs; medians.
        token_ms: Milliseconds of one further token: ours, theirs; medians.
        kv_bytes: Bytes of keys and values after compression: ours, theirs.
        same_slots: Slots that both keep, over the fewer of the two; mean over layers and key heads.
    """

    method: str
    prompt_tokens: int
    prefill: tuple[float, float, float]
    token_ms: tuple[float, float]
    kv_bytes: tuple[int, int]
    same_slots: float


@torch.no_grad()
def compare_with_kvpress(
    model: PreTrainedModel,
    tokens: Int[Tensor, "1 tokens"],
    methods: Sequence[str],
    share: float,
    new_tokens: int = 8,
    rounds: int = 3,
) -> list[PeerTiming]:
    """Time every method that both have, alternating between the plain model, ours and theirs.

    Our recipe is brought to kvpress's settings: without protected sinks where its press has none.

    Args:
        model: The model.
        tokens: The prompt.
        methods: Names of methods; those that kvpress does not have are passed over.
        share: Kept share.
        new_tokens: Tokens that are decoded a round.
        rounds: Rounds.

    Raises:
        InputError: kvpress has none of the methods.
        MissingDependencyError: kvpress is not installed.
    """
    pairs = [pair(name, share) for name in common_methods(methods)]
    return [_compare(model, tokens.to(model.device), _equal(each), new_tokens, rounds) for each in pairs]


def _equal(each: Pair) -> Pair:
    sinks = each.recipe.protect.sinks if each.method == "streaming_llm" else 0
    return replace(each, recipe=replace(each.recipe, protect=Protect(sinks=sinks)))


def _compare(model: PreTrainedModel, tokens: Tensor, each: Pair, new_tokens: int, rounds: int) -> PeerTiming:
    config = model.get_decoder().config
    times, steps = list[tuple[float, float, float]](), list[tuple[float, float]]()
    for _ in range(rounds):
        full = DynamicCache(config=config)
        plain = _seconds(partial(_read, model, tokens, full))
        ours, theirs = CompressedCache(config), DynamicCache(config=config)
        with compress(model, each.recipe):
            our_time = _seconds(partial(_read, model, tokens, ours))
            kept, held = _columns(ours), storage_bytes(ours)
            our_step = _step(model, tokens, ours, new_tokens)
        with each.press(model):
            their_time = _seconds(partial(_read, model, tokens, theirs))
        overlap = _overlap(kept, theirs, full)
        bytes_of_theirs = storage_bytes(theirs)
        times.append((plain, our_time, their_time))
        steps.append((our_step, _step(model, tokens, theirs, new_tokens)))
    prefill, token_ms = np.median(times, axis=0), 1000 * np.median(steps, axis=0)
    return PeerTiming(
        each.method,
        tokens.shape[1],
        (float(prefill[0]), float(prefill[1]), float(prefill[2])),
        (float(token_ms[0]), float(token_ms[1])),
        (held, bytes_of_theirs),
        overlap,
    )


def _read(model: Any, tokens: Tensor, cache: Any, position: int | None = None) -> None:
    places = {} if position is None else {"position_ids": torch.tensor([[position]], device=tokens.device)}
    model(tokens, **{cache_argument(model) or "cache": cache}, use_cache=True, logits_to_keep=1, **places)


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def _step(model: Any, tokens: Tensor, cache: Any, new_tokens: int) -> float:
    """Median seconds of one further token; the position is given, since kvpress's cache has forgotten it."""
    length, last = tokens.shape[1], tokens[:, -1:]
    places = range(length, length + new_tokens)
    times = [_seconds(partial(_read, model, last, cache, place)) for place in places]
    return float(np.median(times))


def _columns(cache: CompressedCache) -> list[Tensor]:
    """Columns that every layer keeps, by key head."""
    return [layer.positions[0].long() for layer in compressible(cache).values() if layer.positions is not None]


def _overlap(ours: Sequence[Tensor], theirs: Any, full: Any) -> float:
    """Slots that both keep over the fewer of the two; theirs are found by the nearest key of the full cache."""
    shares = []
    for columns, layer, whole in zip(ours, theirs.layers, full.layers, strict=True):
        other = torch.cdist(layer.keys[0].float(), whole.keys[0].float()).argmin(-1)
        fewer = min(columns.shape[1], other.shape[1])
        shares += [int(torch.isin(mine, its).sum()) / fewer for mine, its in zip(columns, other, strict=True)]
    return float(np.mean(shares))


def peer_lines(timings: Sequence[PeerTiming]) -> str:
    """One line a method: what observation and compression add to reading, time of a token, bytes, equal slots."""
    heads = (
        "prefill s: plain",
        "ours",
        "kvpress",
        "ms/token: ours",
        "kvpress",
        "KV bytes: ours",
        "kvpress",
        "same slots",
    )
    widths = 18, 8, 9, 16, 9, 16, 13, 12
    lines = [f"{'method':<14}" + "".join(f"{head:>{width}}" for head, width in zip(heads, widths, strict=True))]
    for row in timings:
        cells = [f"{seconds:.2f}" for seconds in row.prefill] + [f"{step:.1f}" for step in row.token_ms]
        cells += [f"{count:,}" for count in row.kv_bytes] + [f"{100 * row.same_slots:.1f} %"]
        lines.append(
            f"{row.method:<14}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        )
    return "\n".join(lines)
