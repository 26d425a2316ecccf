"""Read a long context once, keep it small, ask it as often as needed, now or from a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor
from transformers import PreTrainedModel

from medsuite.core.errors import InputError
from medsuite.meda_kv.attention import cache_argument
from medsuite.meda_kv.cache import CompressedCache, index_bytes, storage_bytes
from medsuite.meda_kv.observe.observer import ObservationPlan
from medsuite.meda_kv.prompt import observing
from medsuite.meda_kv.recipe import Recipe
from medsuite.meda_kv.report import Report
from medsuite.meda_kv.saved import load_cache, save_cache
from medsuite.meda_kv.session import Modality, compress


@dataclass(frozen=True)
class Context:
    """A prompt that was read and compressed; make one with `prefill` or `load_context`.

    Attributes:
        model: The model that read it.
        cache: Its compressed cache, which is never changed: every question is asked of a fork.
        tokens: Its token ids.
        mask: 1 where they are no padding.
        report: What compression did; None for a context from a file.
    """

    model: PreTrainedModel
    cache: CompressedCache
    tokens: Int[Tensor, "batch tokens"]
    mask: Int[Tensor, "batch tokens"]
    report: Report | None = None

    @property
    def bytes(self) -> int:
        """Bytes of keys, values and what is stored beside them."""
        return storage_bytes(self.cache) + index_bytes(self.cache)

    def save(self, path: str | Path) -> None:
        """Write the context as a safetensors file, all or nothing.

        Raises:
            InputError: A layer of the cache is of a kind that cannot be stored.
        """
        save_cache(Path(path), self.model, self.cache, {"tokens": self.tokens, "mask": self.mask})


def prefill(
    model: PreTrainedModel, inputs: Mapping[str, Tensor], recipe: Recipe, modality: Modality = "auto"
) -> Context:
    """Read a prompt and compress its cache.

    Args:
        model: The model, as for `compress`.
        inputs: What a processor or tokenizer returns: `input_ids`, `attention_mask`, pixel values and the like.
        recipe: How much to keep and how to choose it.
        modality: As for `compress`.

    Raises:
        InputError: There are no token ids, or the model or the budget does not allow it; see `compress`.
    """
    if "input_ids" not in inputs:
        raise InputError(f"inputs with {', '.join(inputs) or 'nothing'}", expected="input_ids among them")
    tokens = inputs["input_ids"]
    if tokens.ndim != 2 or not tokens.shape[1]:
        raise InputError(f"input_ids of shape {tuple(tokens.shape)}", expected="[batch, tokens] with a token at least")
    cache = CompressedCache(model.get_decoder().config)
    with compress(model, recipe, modality) as session, torch.no_grad():
        model(**inputs, **{cache_argument(model) or "cache": cache}, use_cache=True)
    mask = inputs.get("attention_mask", torch.ones_like(tokens))
    return Context(model, cache, tokens, mask, session.report)


def load_context(model: PreTrainedModel, path: str | Path) -> Context:
    """Read a context that `Context.save` wrote; nothing in the file is executed.

    Raises:
        InputError: The file is missing, damaged or of another kind, or it was saved for another model: class,
            configuration and weights are compared.
    """
    cache, extra = load_cache(Path(path), model)
    missing = [name for name in ("tokens", "mask") if name not in extra]
    if missing:
        raise InputError(f"{path} lacks the prompt's {missing[0]}", expected="a context that was saved")
    return Context(model, cache, extra["tokens"], extra["mask"])


def answer(
    model: PreTrainedModel,
    context: Context,
    question: Int[Tensor, "questions tokens"],
    mask: Int[Tensor, "questions tokens"] | None = None,
    **settings: Any,
) -> Int[Tensor, "questions new"]:
    """Ask a question of a context, which stays as it is, and return the new tokens.

    Args:
        model: The model that read the context.
        context: The context.
        question: Token ids behind the context. Several questions to a context of one sequence are answered together.
        mask: 0 at padding of the questions.
        settings: Settings of `generate`, such as `max_new_tokens`.

    Raises:
        InputError: The number of questions does not fit the number of sequences.
    """
    sequences, questions = len(context.tokens), len(question)
    if sequences not in (1, questions):
        raise InputError(f"{questions} questions to {sequences} sequences", expected=f"{sequences} questions")
    cache, repeats = context.cache.fork(), questions // sequences
    cache.batch_repeat_interleave(repeats)
    mask = torch.ones_like(question) if mask is None else mask
    tokens = torch.cat([context.tokens.repeat_interleave(repeats, 0), question], dim=1)
    valid = torch.cat([context.mask.repeat_interleave(repeats, 0), mask], dim=1)
    given: dict[str, Any] = {cache_argument(model) or "cache": cache, "attention_mask": valid}
    with observing(model, ObservationPlan()), torch.no_grad():
        generate: Any = model.generate
        output = generate(tokens, **given, **settings)
    return getattr(output, "sequences", output)[:, tokens.shape[1] :]
