"""Attention per slot: accumulated over the prompt's queries, or row by row for the last queries."""

from dataclasses import dataclass, replace

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


@dataclass(frozen=True)
class WindowRows:
    """Attention of a prompt's last queries.

    Attributes:
        attention: Softmax over all keys that each query sees.
        visible: Which keys these are.
        rows: Which of the queries are no padding.
    """

    attention: Float[Tensor, "batch kv_heads group window slots"]
    visible: Bool[Tensor, "batch window slots"]
    rows: Bool[Tensor, "batch window"]

    @property
    def before(self) -> Float[Tensor, "batch kv_heads group window earlier"]:
        """Attention on the slots in front of the window, whose keys all of its queries see."""
        return self.attention[..., : self.attention.shape[-1] - self.attention.shape[-2]]

    def only(self, rows: Bool[Tensor, "batch window"]) -> "WindowRows":
        """Keep some of the rows; a sequence that would lose all keeps all."""
        chosen = self.rows & rows
        return replace(self, rows=torch.where(chosen.any(-1, keepdim=True), chosen, self.rows))

    def mean(self) -> Float[Tensor, "batch kv_heads group slots"]:
        """Mean over the rows."""
        return torch.einsum("bhgwn,bw->bhgn", self.attention, self._shares())

    def variance(self) -> Float[Tensor, "batch kv_heads group slots"]:
        """Unbiased variance over the rows; 0 for a single row."""
        deviation = (self.attention - self.mean().unsqueeze(-2)).square()
        count = self.rows.sum(-1).to(deviation.dtype)
        biased = torch.einsum("bhgwn,bw->bhgn", deviation, self._shares())
        return biased * (count / (count - 1).clamp_min(1.0))[:, None, None, None]

    def _shares(self) -> Float[Tensor, "batch window"]:
        mine = self.rows.to(self.attention.dtype)
        return mine / mine.sum(-1, keepdim=True).clamp_min(1.0)


def window_rows(
    query: Float[Tensor, "batch heads window dim"],
    key: Float[Tensor, "batch kv_heads slots dim"],
    valid: Bool[Tensor, "batch slots"],
    *,
    scale: float,
    softcap: float | None = None,
) -> WindowRows:
    """Take the attention of a prompt's last queries; memory O(window * slots) per head.

    Args:
        query: The last queries, the final one belonging to the last slot.
        key: All keys.
        valid: Slots that are no padding.
        scale: Factor on the dot products.
        softcap: Bound of soft capping, None without it.
    """
    window, slots = query.shape[2], key.shape[2]
    order = torch.arange(slots, device=key.device)
    causal = order[None, :] <= order[slots - window :, None]
    visible = valid[:, None, :] & causal
    (part,) = score_blocks(AttentionInputs(query, key, scale, visible[:, None], softcap), None, window)
    scores = part.scores.masked_fill_(~part.visible, torch.finfo(part.scores.dtype).min / 2)
    attention, rows = scores.softmax(-1), valid[:, -window:]
    if not bool(rows.all()):
        attention = attention * rows[:, None, None, :, None]
    return WindowRows(attention, visible, rows)
