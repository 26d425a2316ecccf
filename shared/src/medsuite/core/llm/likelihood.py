r"""Log-likelihoods of token sequences under a causal language model, with the output layer in float32.

$\log p(o_i \mid x, o_{<i}) = h^\top w_{o_i} - \log \sum_v e^{h^\top w_v}$ is taken from the final hidden state $h$ in
float32, also where the body runs in bfloat16: a logit of 16 to 32 has steps of 0.125 in bfloat16, which turns close
scores into ties.
"""

import inspect
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from medsuite.core.errors import InputError

Tokens = tuple[int, ...]
Scored = tuple[Tokens, Tokens]
"""A prompt and an option after it."""
_VOCABULARY_BLOCK = 16_384
"""Rows of the output matrix that are taken to float32 at a time."""
_WORTH_SHARING = 16
"""A common beginning of fewer tokens is not worth a cache."""


@torch.inference_mode()
def log_likelihoods(model: Any, scored: Sequence[Scored], batch_size: int) -> list[float]:
    """Score options after prompts: the sum over an option's tokens of their log-probabilities.

    Every distinct sequence is run once: options of one token need the prompt alone. Sequences that begin alike share a
    batch, in which the common beginning is run once.

    Args:
        model: A causal language model of transformers, in evaluation mode.
        scored: Prompts and options, each of at least one token.
        batch_size: The most sequences that are run together.

    Returns:
        Log-likelihoods in nats.
    """
    pairs = sorted(set(scored))
    rows = _distinct({prompt + option[:-1] for prompt, option in pairs})
    members: dict[Tokens, list[Scored]] = {row: [] for row in rows}
    for prompt, option in pairs:
        # The first row at or after a sequence in lexicographic order begins with it.
        members[rows[bisect_left(rows, prompt + option[:-1])]].append((prompt, option))
    found: dict[Scored, float] = {}
    for batch in _batches(rows, batch_size):
        found |= _score_batch(model, batch, [members[row] for row in batch])
    return [found[pair] for pair in scored]


@torch.inference_mode()
def check_head(model: Any, probe: Tokens) -> None:
    """Check on a few tokens that the float32 output layer gives what the model gives, within its own rounding.

    Args:
        model: The model.
        probe: Any tokens of its vocabulary.

    Raises:
        InputError: The model computes its logits in another way than as states times output matrix.
    """
    states = _final_states(model, [probe], 0)[0][-1:]
    tokens = torch.tensor([probe], device=states.device)
    theirs = model(tokens).logits[0, -1].float()
    step = torch.finfo(model.dtype).eps * float(theirs.abs().max())
    ours = torch.cat(list(_logit_blocks(model, states.float())), dim=-1)[0]
    worst = float((ours - theirs).abs().max())
    if worst > max(4 * step, 1e-3):
        raise InputError(
            f"{type(model).__name__} has an output layer of its own kind (off by {worst:.2g})",
            expected="logits that are the final states times the output matrix",
            fix="ask a server for the log-probabilities of this model",
        )


def token_log_probabilities(
    model: Any, states: Float[Tensor, "token width"], tokens: Int[Tensor, "token"]
) -> Float[Tensor, "token"]:
    """Compute the log-probability of each token from the final hidden state before it, in float32."""
    states = states.float()
    normalisers, own = [], torch.empty(len(tokens), device=states.device)
    start = 0
    for logits in _logit_blocks(model, states):
        normalisers.append(logits.logsumexp(-1))
        inside = (tokens >= start) & (tokens < start + logits.shape[-1])
        own[inside] = logits[inside, tokens[inside] - start]
        start += logits.shape[-1]
    return own - torch.stack(normalisers).logsumexp(0)


def _score_batch(model: Any, batch: Sequence[Tokens], members: Sequence[Sequence[Scored]]) -> dict[Scored, float]:
    # The state before an option's first token is the first that is needed.
    needed = min(len(prompt) - 1 for pairs in members for prompt, _ in pairs)
    states = _final_states(model, batch, needed)
    pairs, steps = [], []
    for row_states, row_pairs in zip(states, members, strict=True):
        for prompt, option in row_pairs:
            first = len(prompt) - 1 - needed
            pairs.append((prompt, option))
            steps.append(row_states[first : first + len(option)])
    options = torch.tensor([token for _, option in pairs for token in option], device=steps[0].device)
    scores = token_log_probabilities(model, torch.cat(steps), options).double()
    sums = [float(part.sum()) for part in scores.split([len(option) for _, option in pairs])]
    return dict(zip(pairs, sums, strict=True))


def _logit_blocks(model: Any, states: Float[Tensor, "token width"]) -> Iterator[Float[Tensor, "token vocabulary"]]:
    head, config = model.get_output_embeddings(), model.config.get_text_config()
    cap = getattr(config, "final_logit_softcapping", None)
    scale = (getattr(config, "logit_scale", None) or 1.0) / (getattr(config, "logits_scaling", None) or 1.0)
    bias = getattr(head, "bias", None)
    for start in range(0, len(head.weight), _VOCABULARY_BLOCK):
        block = slice(start, start + _VOCABULARY_BLOCK)
        logits = states @ head.weight[block].float().T
        logits = (logits if bias is None else logits + bias[block].float()) * scale
        yield cap * torch.tanh(logits / cap) if cap else logits


def _final_states(model: Any, batch: Sequence[Tokens], first: int) -> list[Float[Tensor, "token width"]]:
    """Run sequences and return the final hidden states from position `first` on.

    Sequences are padded on the right, where causal attention never looks, so that no mask is needed.
    """
    body = model.base_model
    device = model.get_input_embeddings().weight.device
    shared = min(_common_length(batch), first) if len(batch) > 1 else 0
    cache = _shared_cache(body, batch[0][:shared], len(batch), device) if shared >= _WORTH_SHARING else None
    if cache is None:
        shared = 0
    width = max(len(row) for row in batch) - shared
    padded = [[*row[shared:], *[0] * (width - len(row) + shared)] for row in batch]
    given = {} if cache is None else {_cache_name(body): cache}
    states = body(torch.tensor(padded, device=device), use_cache=cache is not None, **given).last_hidden_state
    return [state[first - shared : len(row) - shared] for state, row in zip(states, batch, strict=True)]


def _shared_cache(body: Any, tokens: Tokens, copies: int, device: Any) -> Any | None:
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    cache = getattr(body(torch.tensor([tokens], device=device), use_cache=True), _cache_name(body), None)
    # Recurrent and other states are not known to be exact when they are repeated and continued.
    if not isinstance(cache, DynamicCache) or not all(isinstance(layer, DynamicLayer) for layer in cache.layers):
        return None
    cache.batch_repeat_interleave(copies)
    return cache


def _cache_name(body: Any) -> str:
    # Since transformers 5.24 both the argument and the field of the output are called `cache`.
    return "cache" if "cache" in inspect.signature(body.forward).parameters else "past_key_values"


def _distinct(sequences: set[Tokens]) -> list[Tokens]:
    """Sort sequences and leave out each that another one begins with: its states are among those of the longer."""
    ordered = sorted(sequences)
    return [row for row, following in zip(ordered, [*ordered[1:], ()], strict=True) if following[: len(row)] != row]


def _batches(rows: Sequence[Tokens], size: int) -> Iterator[Sequence[Tokens]]:
    """Put sequences that share half of their tokens into one batch, and the others together by length."""
    families: list[list[Tokens]] = []
    for row in rows:
        if families and 2 * _common_length([families[-1][0], row]) >= len(row):
            families[-1].append(row)
        else:
            families.append([row])
    strangers = sorted((family[0] for family in families if len(family) == 1), key=len)
    for group in [*(family for family in families if len(family) > 1), strangers]:
        for start in range(0, len(group), size):
            yield group[start : start + size]


def _common_length(rows: Sequence[Tokens]) -> int:
    lowest, highest = min(rows), max(rows)
    limit = min(len(lowest), len(highest))
    return next((place for place in range(limit) if lowest[place] != highest[place]), limit)
