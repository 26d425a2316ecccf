"""Rows of a compressed prompt without any padding: each sequence's and head's rows behind those of the one before."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from medsuite.meda_kv.quantise import StoredRows

QUERY_BLOCK = 256
"""New tokens that attend at once, which bounds the scores to 256 rows of each head."""


@dataclass(frozen=True)
class RaggedRows:
    """The rows that survived compression, flat; nothing in here is ever changed in place.

    Attributes:
        keys: Keys of all rows.
        values: Values of all rows.
        positions: Column in the prompt of each row.
        bounds: First row and one past the last of each sequence's head; on the CPU, where the loop over heads reads it.
        counts: How many tokens each row stands for after merging; None without merging.
    """

    keys: StoredRows
    values: StoredRows
    positions: Int[Tensor, " rows"]
    bounds: Int[Tensor, "batch kv_heads 2"]
    counts: Float[Tensor, " rows"] | None = None

    @property
    def lengths(self) -> Int[Tensor, "batch kv_heads"]:
        """Rows of each head."""
        return self.bounds[..., 1] - self.bounds[..., 0]

    def columns(self, sequence: int, head: int) -> Int[Tensor, " kept"]:
        """Return the columns of the prompt that one head keeps."""
        start, end = self.bounds[sequence, head].tolist()
        return self.positions[start:end]

    def select(self, sequences: Int[Tensor, " chosen"]) -> "RaggedRows":
        """Return the given sequences, in this order and as often as they occur; rows are shared, never copied."""
        return replace(self, bounds=self.bounds[sequences.to(self.bounds.device)])

    def heads(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield sequence, head, first row and one past the last."""
        for sequence, heads in enumerate(self.bounds.tolist()):
            for head, (start, end) in enumerate(heads):
                yield sequence, head, start, end


def ragged_attention(
    query: Float[Tensor, "batch heads query dim"],
    prompt: RaggedRows,
    keys: Float[Tensor, "batch kv_heads rows dim"],
    values: Float[Tensor, "batch kv_heads rows value_dim"],
    visible: Bool[Tensor, "batch 1 query rows"] | None,
    *,
    scale: float,
    softcap: float | None = None,
) -> Float[Tensor, "batch heads query value_dim"]:
    """Attend to a compressed prompt of which each head keeps its own rows, and to the rows behind it.

    One softmax spans both parts, so that the result is that of attention over a full cache in which the evicted rows
    are hidden. The prompt's rows are read where they lie: only scores are padded to the longest head. Half precision is
    computed in float32, one head at a time.

    Args:
        query: Queries after the rotary embedding.
        prompt: Rows of the prompt, all of which every query sees.
        keys: Keys of the tokens after the prompt, the queries' own included.
        values: Their values.
        visible: Which of them each query sees, None for all.
        scale: Factor on the dot products.
        softcap: Bound of soft capping, None without it.
    """
    batch, heads, _, _ = query.shape
    group = heads // keys.shape[1]
    parts = query.split(QUERY_BLOCK, dim=2)
    masks = [None] * len(parts) if visible is None else visible.split(QUERY_BLOCK, dim=2)
    outputs = [
        _attend(part.view(batch, -1, group, *part.shape[2:]), prompt, keys, values, mask, scale, softcap)
        for part, mask in zip(parts, masks, strict=True)
    ]
    return torch.cat(outputs, dim=3).flatten(1, 2)


def _attend(
    query: Float[Tensor, "batch kv_heads group query dim"],
    prompt: RaggedRows,
    keys: Float[Tensor, "batch kv_heads rows dim"],
    values: Float[Tensor, "batch kv_heads rows value_dim"],
    visible: Bool[Tensor, "batch 1 query rows"] | None,
    scale: float,
    softcap: float | None,
) -> Float[Tensor, "batch kv_heads group query value_dim"]:
    given, wide = query.dtype, torch.promote_types(query.dtype, torch.float32)
    query, keys, values = query.to(wide), keys.to(wide), values.to(wide)
    widest = int(prompt.lengths.max())
    scores = query.new_zeros(*query.shape[:-1], widest + keys.shape[2])
    for sequence, head, start, end in prompt.heads():
        scores[sequence, head, :, :, : end - start] = query[sequence, head] @ prompt.keys.read(start, end, wide).mT
    scores[..., widest:] = query @ keys.unsqueeze(2).mT
    weights = _softmax(scores * scale, _hidden(prompt, widest, keys.shape[2], visible, query.device), softcap)
    output = weights[..., widest:] @ values.unsqueeze(2)
    for sequence, head, start, end in prompt.heads():
        output[sequence, head] += weights[sequence, head, :, :, : end - start] @ prompt.values.read(start, end, wide)
    return output.to(given)


def _hidden(
    prompt: RaggedRows,
    widest: int,
    behind: int,
    visible: Bool[Tensor, "batch 1 query rows"] | None,
    device: torch.device,
) -> Bool[Tensor, "batch kv_heads 1 any_query total"]:
    """What no query sees: columns past the end of a head's rows, and masked rows behind the prompt."""
    lengths = prompt.lengths.to(device)[:, :, None, None, None]
    past = torch.arange(widest, device=device) >= lengths
    if visible is None:
        return torch.nn.functional.pad(past, (0, behind), value=False)
    shape = (*lengths.shape[:3], visible.shape[2], -1)
    return torch.cat([past.expand(shape), ~visible.unsqueeze(2).expand(shape)], dim=-1)


def _softmax(scores: Tensor, hidden: Tensor, softcap: float | None) -> Tensor:
    """Softmax over the rows that are not hidden."""
    if softcap is not None:
        scores = softcap * torch.tanh(scores / softcap)
    return scores.masked_fill(hidden, -torch.inf).softmax(dim=-1)
