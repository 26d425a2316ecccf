"""Evicted slots are averaged into the kept slot whose key is most similar."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from medsuite.meda_kv.merge.base import Kept, Merger, gather
from medsuite.meda_kv.select.base import Choice

BLOCK = 1024
"""Evicted slots that are compared with the kept ones at once."""


def nearest_kept(
    keys: Float[Tensor, "batch kv_heads slots dim"],
    kept_keys: Float[Tensor, "batch kv_heads kept dim"],
    kept_valid: Bool[Tensor, "batch kept"],
) -> Int[Tensor, "batch kv_heads slots"]:
    """Kept row with the largest cosine similarity to each slot; equal ones go to the earlier row.

    Time O(slots * kept), memory O(1024 * kept) per head.
    """
    targets = normalize(kept_keys.float(), dim=-1).transpose(2, 3)
    hidden = ~kept_valid[:, None, None]
    parts = [
        (normalize(part.float(), dim=-1) @ targets).masked_fill(hidden, -torch.inf).argmax(-1)
        for part in keys.split(BLOCK, dim=2)
    ]
    return torch.cat(parts, dim=2)


@dataclass(frozen=True)
class AverageMerge(Merger):
    """MEDA's merge: a kept row becomes the mean over itself and the slots that are merged into it.

    Each evicted slot goes to the kept row of its own key head with the most similar key, by the cosine after the
    rotary embedding. The mean is over single tokens, so the order of merging does not matter.

    Attributes:
        keys: Whether keys are averaged too. Rotated keys of different positions have different phases, and averaging
            them costs far more quality than averaging values.
    """

    keys: bool = False

    def merge(
        self,
        keys: Float[Tensor, "batch kv_heads slots dim"],
        values: Float[Tensor, "batch kv_heads slots value_dim"],
        choice: Choice,
        valid: Bool[Tensor, "batch slots"],
    ) -> Kept:
        """Return the means and how many tokens each stands for."""
        kept_keys = gather(keys, choice.index)
        target = nearest_kept(keys, kept_keys, choice.valid)
        taken = torch.zeros_like(target).scatter_add(
            2, choice.index, choice.valid[:, None].expand_as(choice.index).long()
        )
        evicted = valid[:, None] & (taken == 0)
        counts = torch.ones_like(choice.index, dtype=torch.float32)
        counts = counts.scatter_add(2, target, evicted.float())
        merged_values = _mean(gather(values, choice.index), values, target, evicted, counts)
        merged_keys = _mean(kept_keys, keys, target, evicted, counts) if self.keys else kept_keys
        return Kept(merged_keys, merged_values, counts)


def _mean(
    kept: Float[Tensor, "batch kv_heads kept dim"],
    rows: Float[Tensor, "batch kv_heads slots dim"],
    target: Int[Tensor, "batch kv_heads slots"],
    evicted: Bool[Tensor, "batch kv_heads slots"],
    counts: Float[Tensor, "batch kv_heads kept"],
) -> Float[Tensor, "batch kv_heads kept dim"]:
    wide = kept.dtype if kept.dtype == torch.float64 else torch.float32
    index = target.unsqueeze(-1).expand(-1, -1, -1, rows.shape[-1])
    total = kept.to(wide).scatter_add(2, index, rows.to(wide) * evicted.unsqueeze(-1))
    mean = total / counts.unsqueeze(-1).to(wide)
    return torch.where((counts == 1).unsqueeze(-1), kept, mean.to(kept.dtype))
