"""Read a prompt once, then compress and ask it as often as needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedModel

from medsuite.core.errors import InputError
from medsuite.meda_kv.attention import cache_argument
from medsuite.meda_kv.cache import CompressedCache
from medsuite.meda_kv.compression import Observation, compress_cache
from medsuite.meda_kv.observe.observer import ObservationPlan
from medsuite.meda_kv.recipe import Recipe
from medsuite.meda_kv.report import Report
from medsuite.meda_kv.session import Modality, Session


def observing(model: PreTrainedModel, plan: ObservationPlan, modality: Modality = "auto") -> Session:
    """Open a session that observes prompts and compresses nothing by itself; see `read` and `Prompt.compress`.

    Args:
        model: The model, as for `compress`.
        plan: What to observe; `a | b` serves two recipes.
        modality: As for `compress`.
    """
    return Session(model, plan, None, modality)


@dataclass(frozen=True)
class Prompt:
    """A prompt that has been read: its whole cache and its statistics.

    Attributes:
        cache: The full cache, which is never changed.
        observation: What was observed.
        logits: Next-token logits after the prompt.
    """

    cache: CompressedCache
    observation: Observation
    logits: Float[Tensor, "batch vocabulary"]

    def compress(self, recipe: Recipe) -> tuple[CompressedCache, Report]:
        """Return a compressed copy of the cache, and what was done; the prompt stays whole."""
        smaller = self.cache.fork()
        return smaller, compress_cache(smaller, self.observation, recipe)


@torch.no_grad()
def read(
    session: Session,
    tokens: Int[Tensor, "batch tokens"],
    after: Prompt | None = None,
    inputs: Mapping[str, Tensor] | None = None,
) -> Prompt:
    """Read a prompt without padding, or the continuation of one, and observe it.

    Args:
        session: An open session from `observing`.
        tokens: Token ids.
        after: The prompt that these tokens continue; it stays as it is.
        inputs: What else the model takes with them, such as the `pixel_values` of their pictures.
    """
    cache = None if after is None else after.cache.fork()
    session.begin_prefill(tokens.shape[1], None if after is None else after.observation)
    # Nobody reads the logits before the last, which for a large vocabulary take more memory than the cache.
    last = {"logits_to_keep": 1} if "logits_to_keep" in signature(session.model.forward).parameters else {}
    logits = _forward(session, tokens, cache, {**(inputs or {}), **last})
    if not isinstance(session.cache, CompressedCache) or session.observation is None:
        raise InputError("the session observed nothing", expected="an open session from observing()")
    return Prompt(session.cache, session.observation, logits[:, -1])


@torch.no_grad()
def follow(
    session: Session, cache: CompressedCache, tokens: Int[Tensor, "batch tokens"]
) -> Float[Tensor, "batch tokens vocabulary"]:
    """Feed tokens behind a cache, which takes them in, and return the logits after each of them.

    Args:
        session: The open session.
        cache: A compressed or full cache; pass a `fork()` to keep it.
        tokens: Token ids.
    """
    return _forward(session, tokens, cache)


def _forward(
    session: Session, tokens: Tensor, cache: CompressedCache | None, inputs: Mapping[str, Any] | None = None
) -> Tensor:
    name = cache_argument(session.model) or "cache"
    given = {} if cache is None else {name: cache}
    return session.model(tokens, use_cache=True, **given, **(inputs or {})).logits
