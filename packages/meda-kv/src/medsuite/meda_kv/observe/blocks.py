"""Attention scores in blocks of query rows, so that no matrix of prompt by prompt is ever held."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

BLOCK = 64
"""Query rows that are scored at once: some 2 MB of scores at 1,024 tokens and 9 heads, which stay in a CPU's cache."""


@dataclass(frozen=True)
class AttentionInputs:
    """What one attention call sees, as the attention interface of transformers hands it over.

    Attributes:
        query: Queries after the rotary embedding.
        key: All keys of the cache, the new ones at the end.
        scale: Factor on the dot products; never assumed to be `dim ** -0.5`.
        mask: Additive float or boolean mask that was handed in; None means causal, aligned at the bottom right; a
            2-D one, as flash attention takes it, means causal without the keys where it is 0.
        softcap: Bound of Gemma's soft capping, None without it.
    """

    query: Float[Tensor, "batch heads query dim"]
    key: Float[Tensor, "batch kv_heads slots dim"]
    scale: float
    mask: Tensor | None = None
    softcap: float | None = None

    @property
    def rows(self) -> int:
        """Number of query rows."""
        return self.query.shape[2]

    @property
    def slots(self) -> int:
        """Number of keys."""
        return self.key.shape[2]


@dataclass(frozen=True)
class ScoreBlock:
    """Scores of some query rows; `group` counts the query heads that share a key head.

    Attributes:
        rows: The query rows.
        scores: Scaled dot products, with soft capping and additive bias.
        visible: What the mask lets each row see.
    """

    rows: Int[Tensor, " row"]
    scores: Float[Tensor, "batch kv_heads group row slots"]
    visible: Bool[Tensor, "any_batch 1 1 row slots"]


def score_blocks(
    inputs: AttentionInputs, rows: Int[Tensor, " rows"] | None = None, block: int = BLOCK, causal: bool = True
) -> Iterator[ScoreBlock]:
    """Yield the scores of the given query rows block by block.

    Statistics are taken in float32 for half precision. Time O(rows * slots), memory O(block * slots) per head. Under
    a causal mask a block is cut after the last key that any of its rows sees.

    Args:
        inputs: The attention call.
        rows: Ascending query rows, all when None.
        block: Rows at once.
        causal: Whether the mask holds; without it every row sees every key, as in MEDA's published formula.
    """
    query, key = _single(inputs.query), _single(inputs.key)
    batch, heads, _, dim = query.shape
    kv_heads = key.shape[1]
    folded = query.view(batch, kv_heads, heads // kv_heads, -1, dim)
    chosen = torch.arange(inputs.rows, device=query.device) if rows is None else rows
    for part in chosen.split(block):
        end = _last_visible(inputs, part) if causal else inputs.slots
        scores = _scores(folded[:, :, :, part], key[:, :, :end], inputs)
        visible, bias = _visibility(inputs, part, end) if causal else (_all(part, end), None)
        if bias is not None:
            scores = scores + bias
        yield ScoreBlock(part, scores, visible)


def _single(tensor: Tensor) -> Tensor:
    """Half precision to float32; float32 and float64 as they are."""
    return tensor.float() if tensor.element_size() < 4 else tensor


def _last_visible(inputs: AttentionInputs, rows: Int[Tensor, " row"]) -> int:
    """One past the last key that any row can see."""
    if inputs.mask is not None and inputs.mask.ndim > 2:
        return inputs.slots
    return inputs.slots - inputs.rows + int(rows[-1]) + 1


def _scores(
    query: Float[Tensor, "batch kv_heads group row dim"],
    key: Float[Tensor, "batch kv_heads slots dim"],
    inputs: AttentionInputs,
) -> Float[Tensor, "batch kv_heads group row slots"]:
    batch, kv_heads, group, rows, _ = query.shape
    scores = (query.flatten(2, 3) * inputs.scale) @ key.transpose(2, 3)
    if inputs.softcap is not None:
        scores = inputs.softcap * torch.tanh(scores / inputs.softcap)
    return scores.view(batch, kv_heads, group, rows, -1)


def _all(rows: Int[Tensor, " row"], end: int) -> Bool[Tensor, "1 1 1 row slots"]:
    return torch.ones(1, 1, 1, len(rows), end, dtype=torch.bool, device=rows.device)


def _visibility(inputs: AttentionInputs, rows: Int[Tensor, " row"], end: int) -> tuple[Tensor, Tensor | None]:
    """Which keys the rows see, and the finite bias of an additive mask."""
    if inputs.mask is None or inputs.mask.ndim == 2:
        offset = inputs.slots - inputs.rows
        slots = torch.arange(end, device=rows.device)
        causal = (slots[None, :] <= rows[:, None] + offset)[None, None, None]
        return causal if inputs.mask is None else causal & inputs.mask[:, None, None, None, :end].bool(), None
    mask = inputs.mask[:, :1, rows, :end].unsqueeze(2)
    if mask.dtype == torch.bool:
        return mask, None
    visible = mask > torch.finfo(mask.dtype).min / 2
    return visible, torch.where(visible, mask, 0.0)
