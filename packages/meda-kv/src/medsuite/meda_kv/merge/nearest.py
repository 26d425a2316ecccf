"""What the mergers share: each evicted slot goes to the kept slot whose key is most similar."""

from abc import abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from medsuite.core.errors import InputError
from medsuite.meda_kv.merge.base import Kept, Merger, gather
from medsuite.meda_kv.select.base import Choice

BLOCK = 1024
"""Evicted slots that are compared with the kept ones at once."""


@dataclass(frozen=True)
class Nearest:
    """The kept row with the largest cosine similarity to each slot; equal ones go to the earlier row."""

    target: Int[Tensor, "batch kv_heads slots"]
    cosine: Float[Tensor, "batch kv_heads slots"]


def nearest_kept(
    keys: Float[Tensor, "batch kv_heads slots dim"],
    kept_keys: Float[Tensor, "batch kv_heads kept dim"],
    kept_valid: Bool[Tensor, "batch kept"],
) -> Nearest:
    """Find the nearest kept row of every slot. Time O(slots * kept), memory O(1024 * kept) per head."""
    targets = normalize(kept_keys.float(), dim=-1).transpose(2, 3)
    hidden = ~kept_valid[:, None, None]
    parts = [
        (normalize(part.float(), dim=-1) @ targets).masked_fill(hidden, -torch.inf).max(-1)
        for part in keys.split(BLOCK, dim=2)
    ]
    return Nearest(torch.cat([part.indices for part in parts], 2), torch.cat([part.values for part in parts], 2))


@dataclass(frozen=True)
class NearestMerger(Merger):
    """Merges each evicted slot into the kept row of its own key head with the most similar key.

    A kept row `x` that takes over `e_1 .. e_m` becomes `(x + sum_j (w_j e_j + v_j x)) / (1 + m)`; the mergers differ in
    `w` and `v`. Sums are over single tokens, so the order of merging does not matter.

    Attributes:
        keys: Whether keys are merged too. Rotated keys of different positions have different phases, and merging them
            costs far more quality than merging values.
        threshold: Least cosine at which a slot is merged; others are dropped.
    """

    keys: bool = False
    threshold: float = -1.0

    def __post_init__(self) -> None:
        if not -1 <= self.threshold <= 1:
            raise InputError(f"{type(self).__name__}(threshold={self.threshold})", expected="a cosine, -1 to 1")

    @abstractmethod
    def shares(self, cosine: Float[Tensor, "batch kv_heads slots"]) -> tuple[Tensor, Tensor]:
        """Return `w` and `v` for evicted slots with these similarities."""

    def merge(
        self,
        keys: Float[Tensor, "batch kv_heads slots dim"],
        values: Float[Tensor, "batch kv_heads slots value_dim"],
        choice: Choice,
        valid: Bool[Tensor, "batch slots"],
    ) -> Kept:
        """Return the merged rows and how many tokens each stands for."""
        kept_keys = gather(keys, choice.index)
        nearest = nearest_kept(keys, kept_keys, choice.valid)
        mine = choice.valid[:, None].expand_as(choice.index).long()
        taken = torch.zeros_like(nearest.target).scatter_add(2, choice.index, mine)
        evicted = valid[:, None] & (taken == 0) & (nearest.cosine >= self.threshold)
        sums = _Sums.of(choice.index, nearest.target, evicted, *self.shares(nearest.cosine))
        merged_values = sums.apply(gather(values, choice.index), values)
        return Kept(sums.apply(kept_keys, keys) if self.keys else kept_keys, merged_values, sums.counts)


@dataclass(frozen=True)
class _Sums:
    """Where evicted rows go, with which factors, and how many tokens each kept row then stands for."""

    target: Int[Tensor, "batch kv_heads slots"]
    factors: Float[Tensor, "batch kv_heads slots"]
    own: Float[Tensor, "batch kv_heads kept"]
    counts: Float[Tensor, "batch kv_heads kept"]

    @classmethod
    def of(cls, index: Tensor, target: Tensor, evicted: Tensor, theirs: Tensor, ours: Tensor) -> "_Sums":
        ones = torch.ones_like(index, dtype=torch.float32)
        counts = ones.scatter_add(2, target, evicted.float())
        return cls(target, theirs * evicted, ones.scatter_add(2, target, ours * evicted), counts)

    def apply(self, kept: Tensor, rows: Tensor) -> Tensor:
        wide = kept.dtype if kept.dtype == torch.float64 else torch.float32
        index = self.target.unsqueeze(-1).expand(-1, -1, -1, rows.shape[-1])
        start = kept.to(wide) * self.own.unsqueeze(-1).to(wide)
        total = start.scatter_add(2, index, rows.to(wide) * self.factors.unsqueeze(-1).to(wide))
        merged = (total / self.counts.unsqueeze(-1).to(wide)).to(kept.dtype)
        return torch.where((self.counts == 1).unsqueeze(-1), kept, merged)
