"""Attention mass per slot: accumulated over the prompt's queries, or from the last queries only."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from medsuite.meda_kv.observe.blocks import BLOCK, AttentionInputs, score_blocks
from medsuite.meda_kv.observe.entropy import RowSoftmax, row_softmax


def block_mass(softmax: RowSoftmax, weights: Float[Tensor, "any_batch row"]) -> Float[Tensor, "batch kv_heads slots"]:
    """Sum attention over the rows of a block with a weight each, mean over the query heads of a key head."""
    group = softmax.total.shape[2]
    spread = (weights[:, None, None] / softmax.total / group).to(softmax.weights.dtype)
    return (spread.flatten(2, 3).unsqueeze(2) @ softmax.weights.flatten(2, 3)).squeeze(2)


def grow(mass: Float[Tensor, "batch kv_heads old"], slots: int) -> Float[Tensor, "batch kv_heads slots"]:
    """Append zeros for slots that came after."""
    return torch.nn.functional.pad(mass, (0, slots - mass.shape[-1]))


def accumulated_attention(
    query: Float[Tensor, "batch heads query dim"],
    key: Float[Tensor, "batch kv_heads slots dim"],
    *,
    scale: float,
    mask: Tensor | None = None,
    block: int = BLOCK,
) -> Float[Tensor, "batch kv_heads slots"]:
    r"""H2O's score of a slot: the attention `\sum_i A_ij` that all queries give it (arXiv 2306.14048).

    Args:
        query: Queries after the rotary embedding.
        key: Keys, fewer heads than queries under grouped attention; query heads of a key head are averaged.
        scale: Factor on the dot products.
        mask: Additive float or boolean mask, None for causal.
        block: Query rows at once.
    """
    mass = torch.zeros(key.shape[:3], dtype=key.dtype, device=key.device)
    for part in score_blocks(AttentionInputs(query, key, scale, mask), None, block):
        attention = row_softmax(part.scores, part.visible)
        rows = torch.ones(1, len(part.rows), device=key.device)
        mass = mass + grow(block_mass(attention, rows), key.shape[2])
    return mass


def window_attention(
    query: Float[Tensor, "batch heads window dim"],
    key: Float[Tensor, "batch kv_heads slots dim"],
    valid: Bool[Tensor, "batch slots"],
    *,
    scale: float,
    softcap: float | None = None,
) -> Float[Tensor, "batch kv_heads slots"]:
    """Mean attention of a prompt's last queries, averaged over them and over the query heads of a key head.

    Args:
        query: The last queries, the final one belonging to the last slot.
        key: All keys.
        valid: Slots that are no padding; queries at padding do not count.
        scale: Factor on the dot products.
        softcap: Bound of soft capping, None without it.
    """
    window, slots = query.shape[2], key.shape[2]
    order = torch.arange(slots, device=key.device)
    causal = order[None, :] <= order[slots - window :, None]
    mask = (valid[:, None, :] & causal)[:, None]
    (part,) = score_blocks(AttentionInputs(query, key, scale, mask, softcap), None, window)
    attention = row_softmax(part.scores, part.visible)
    mine = valid[:, -window:].to(part.scores.dtype)
    return block_mass(attention, mine / mine.sum(-1, keepdim=True).clamp_min(1.0))
