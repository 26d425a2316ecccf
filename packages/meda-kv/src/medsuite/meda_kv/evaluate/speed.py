"""Bytes of the cache and time per generated token, all arms in one run."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor
from transformers import PreTrainedModel, StoppingCriteria, StoppingCriteriaList

from medsuite.core.errors import InputError
from medsuite.meda_kv.attention import cache_argument
from medsuite.meda_kv.cache import CompressedCache, storage_bytes
from medsuite.meda_kv.observe.observer import ObservationPlan
from medsuite.meda_kv.prompt import Prompt, observing, read
from medsuite.meda_kv.recipe import Recipe, shared_plan
from medsuite.meda_kv.session import Session


@dataclass(frozen=True)
class Decoding:
    """How one arm decoded behind one prompt.

    Attributes:
        arm: Name of the recipe, `"full"` for the whole cache.
        prompt_tokens: Length of the prompt.
        kv_bytes: Bytes of keys and values after the prompt, as the storages hold them.
        token_ms: Median time of one generated token.
        unsteadiness: Slowest round's median over the fastest's; far from 1 on a machine that does other things.
        compress_ms: Time to choose and gather the rows, 0 for the whole cache.
        read_once: Speed-up over the full cache that follows if a step takes the time to read weights and cache once.
    """

    arm: str
    prompt_tokens: int
    kv_bytes: int
    token_ms: float
    unsteadiness: float
    compress_ms: float
    read_once: float


def weight_bytes(model: PreTrainedModel) -> int:
    """Return the bytes of the parameters, tied ones once."""
    storages = {weight.untyped_storage().data_ptr(): weight.untyped_storage().nbytes() for weight in model.parameters()}
    return sum(storages.values())


def decode_speed(
    model: PreTrainedModel,
    tokens: Int[Tensor, "1 tokens"],
    recipes: Mapping[str, Recipe],
    new_tokens: int = 16,
    rounds: int = 3,
) -> list[Decoding]:
    """Time `generate` behind the full cache and behind every recipe's, alternating between them.

    The prompt is read once; each round continues every arm's cache by `new_tokens` tokens. The time of a token is the
    median over all steps but the first of each round.

    Args:
        model: The model.
        tokens: The prompt.
        recipes: Arms by name.
        new_tokens: Tokens a round, at least 2.
        rounds: Rounds.

    Raises:
        InputError: A round has no step to time, or there is no round.
    """
    if new_tokens < 2 or rounds < 1:
        raise InputError(f"{rounds} rounds of {new_tokens} new tokens", expected="1 round of 2 tokens at least")
    plan = shared_plan(recipes.values()) if recipes else ObservationPlan()
    with observing(model, plan) as session:
        prompt = read(session, tokens.to(model.device))
        caches, compress_ms = {"full": prompt.cache}, {"full": 0.0}
        for arm, recipe in recipes.items():
            caches[arm], compress_ms[arm] = _timed_compression(prompt, recipe)
        steps: dict[str, list[list[float]]] = {arm: [] for arm in caches}
        for _ in range(rounds):
            for arm, cache in caches.items():
                steps[arm].append(_step_times(session, tokens, cache.fork(), new_tokens))
    weights, full = weight_bytes(model), storage_bytes(prompt.cache)
    return [
        Decoding(
            arm,
            tokens.shape[1],
            storage_bytes(cache),
            1000 * float(np.median(steps[arm])),
            _unsteadiness(steps[arm]),
            compress_ms[arm],
            (weights + full) / (weights + storage_bytes(cache)),
        )
        for arm, cache in caches.items()
    ]


def _unsteadiness(rounds: list[list[float]]) -> float:
    medians = np.median(rounds, axis=1)
    return float(medians.max() / medians.min())


def _timed_compression(prompt: Prompt, recipe: Recipe) -> tuple[CompressedCache, float]:
    synchronise(prompt.logits)
    started = time.perf_counter()
    cache, _ = prompt.compress(recipe)
    synchronise(prompt.logits)
    return cache, 1000 * (time.perf_counter() - started)


class TokenClock(StoppingCriteria):
    """Never stops; notes when each token was there."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, input_ids: Tensor, scores: Any, **kwargs: Any) -> Tensor:
        """Note the time."""
        synchronise(input_ids)
        self.times.append(time.perf_counter())
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


def _step_times(session: Session, tokens: Tensor, cache: CompressedCache, new_tokens: int) -> list[float]:
    """Seconds of each step of `generate` behind the cache but the first, which is fed the prompt's last token again."""
    clock = TokenClock()
    model: Any = session.model
    again = torch.cat([tokens, tokens[:, -1:]], dim=1).to(model.device)
    model.generate(
        again,
        attention_mask=torch.ones_like(again),
        **{cache_argument(model) or "cache": cache},
        max_new_tokens=new_tokens,
        min_new_tokens=new_tokens,
        do_sample=False,
        stopping_criteria=StoppingCriteriaList([clock]),
    )
    return np.diff(clock.times).tolist()


def synchronise(tensor: Tensor) -> None:
    """Wait until a GPU has computed the tensor."""
    if tensor.is_cuda:
        torch.cuda.synchronize(tensor.device)
