"""Entropy of attention rows: over the other modality, as MEDA defines it, or over the whole row."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from medsuite.meda_kv.observe.blocks import BLOCK, AttentionInputs, ScoreBlock, score_blocks


@dataclass(frozen=True)
class RowSoftmax:
    """A softmax over some slots of each row, before its division, and its entropy.

    Attributes:
        entropy: Entropy of each row in nats, 0 for a row without allowed slots.
        weights: Exponentials over the row's maximum.
        total: Their sums, infinite for a row without allowed slots, so that `weights / total` is the softmax.
    """

    entropy: Float[Tensor, "*rows"]
    weights: Float[Tensor, "*rows slots"]
    total: Float[Tensor, "*rows"]


def row_softmax(scores: Float[Tensor, "*rows slots"], allowed: Bool[Tensor, "*any_rows slots"]) -> RowSoftmax:
    """Take the softmax of each row over its allowed slots.

    With `m` the row's maximum, `e_j = exp(s_j - m)` and `Z = sum_j e_j`, the entropy `-sum_j p_j ln p_j` is
    `ln Z - sum_j e_j (s_j - m) / Z`: one exponential a score, and no division of the matrix.

    Args:
        scores: Scaled dot products.
        allowed: Slots over which the row is normalised.
    """
    some = allowed.any(dim=-1)
    shifted = scores.masked_fill(~allowed, torch.finfo(scores.dtype).min / 2)
    shifted.sub_(shifted.amax(dim=-1, keepdim=True))
    weights = shifted.exp()
    total = torch.where(some, weights.sum(dim=-1), torch.inf)
    entropy = torch.where(some, total.log() - torch.linalg.vecdot(weights, shifted) / total, 0.0)
    return RowSoftmax(entropy, weights, total)


@dataclass(frozen=True)
class RowSide:
    """To which of the two means each query row belongs: 0 for text (or all rows), 1 for vision.

    Attributes:
        vision: Which slots hold vision tokens, for rows that are normalised over the other modality.
        crossing: Sequences with both modalities; the others are measured over the full row.
        causal: Whether rows see only what the mask shows them.
    """

    vision: Bool[Tensor, "batch slots"]
    crossing: Bool[Tensor, " batch"]
    causal: bool = True

    def allowed(self, part: ScoreBlock, offset: int) -> Bool[Tensor, "batch 1 1 row slots"]:
        """Slots over which each row of the block is normalised.

        Args:
            part: The block.
            offset: Slot of query row 0.
        """
        rows, slots = self.vision[:, part.rows + offset], self.vision[:, : part.scores.shape[-1]]
        pairs = torch.where(
            self.crossing[:, None, None], rows[:, :, None] != slots[:, None, :], self._whole(part, offset)
        )
        return part.visible & pairs[:, None, None]

    def _whole(self, part: ScoreBlock, offset: int) -> Bool[Tensor, "1 row slots"]:
        """The full row of a sequence with one modality, which stays causal where the cross-modal rows are not."""
        slots = torch.arange(part.scores.shape[-1], device=part.rows.device)
        return ((slots[None, :] <= part.rows[:, None] + offset) | self.causal)[None]

    def sides(self, part: ScoreBlock, offset: int) -> Bool[Tensor, "2 batch row"]:
        """Membership of the block's rows in the text mean and in the vision mean."""
        return self.members(part.rows + offset)

    def members(self, places: Int[Tensor, " row"]) -> Bool[Tensor, "2 batch row"]:
        """Membership of the rows at these slots in the text mean and in the vision mean."""
        vision = self.vision[:, places] & self.crossing[:, None]
        return torch.stack([~vision, vision])


@dataclass(frozen=True)
class EntropySums:
    """Running sums of row entropies over blocks and chunks; `add` returns a new object.

    Attributes:
        totals: Weighted entropy sums per side and head.
        weights: Sum of weights per side.
        rows: Head means of the single rows, NaN where a row has no entropy, for the sampling error.
    """

    totals: Float[Tensor, "2 batch heads"]
    weights: Float[Tensor, "2 batch"]
    rows: tuple[Float[Tensor, "2 batch _"], ...] = ()

    @classmethod
    def zeros(cls, query: Float[Tensor, "batch heads query dim"]) -> "EntropySums":
        """Start for queries of this shape and device; sums are kept in double precision."""
        batch, heads = query.shape[:2]
        totals = torch.zeros(2, batch, heads, dtype=torch.float64, device=query.device)
        return cls(totals, totals[:, :, 0].clone())

    def add(
        self,
        entropy: Float[Tensor, "batch kv_heads group row"],
        members: Bool[Tensor, "2 batch row"],
        weights: Float[Tensor, " row"],
    ) -> "EntropySums":
        """Add a block of rows.

        Args:
            entropy: Row entropies.
            members: Rows with an entropy, per side.
            weights: How many rows of the prompt each row stands for.
        """
        flat = entropy.flatten(1, 2).double()
        shares = members * weights.double()
        totals = self.totals + torch.einsum("bhr,sbr->sbh", flat, shares)
        values = torch.where(members, flat.mean(1), torch.nan)
        return EntropySums(totals, self.weights + shares.sum(-1), (*self.rows, values))

    def value(self) -> Float[Tensor, "batch heads"]:
        """Sum over the sides of the mean entropy in nats; a side without rows counts 0."""
        return (self.totals / self.weights.clamp_min(1e-9)[:, :, None]).sum(0)

    def sampling_error(self) -> Float[Tensor, " batch"]:
        r"""Standard error of the head mean when the rows are a stratified sample, one row a stratum.

        The successive-difference estimator `\sum (y_{i+1} - y_i)^2 / (2 m (m - 1))` (Wolter, 1984), whose strata are
        neighbours, so that the trend along the prompt does not count as error.
        """
        values = torch.cat(self.rows, dim=-1)
        variances = torch.stack([_successive_variance(row) for row in values.flatten(0, 1)])
        return variances.view(values.shape[:2]).sum(0).sqrt()


def _successive_variance(values: Float[Tensor, " rows"]) -> Float[Tensor, ""]:
    seen = values[~values.isnan()]
    count = len(seen)
    return seen.diff().square().sum() / max(2 * count * (count - 1), 1)


def full_row_entropy(
    query: Float[Tensor, "batch heads query dim"],
    key: Float[Tensor, "batch kv_heads slots dim"],
    *,
    scale: float,
    mask: Tensor | None = None,
    block: int = BLOCK,
    rows: Int[Tensor, " rows"] | None = None,
) -> Float[Tensor, "batch heads"]:
    """Mean entropy of the attention rows over all keys that they see, in nats: what MEDA's released code measures.

    Args:
        query: Queries after the rotary embedding.
        key: Keys, fewer heads than queries under grouped attention.
        scale: Factor on the dot products.
        mask: Additive float or boolean mask, None for causal.
        block: Query rows at once.
        rows: The query rows to use, all when None.
    """
    batch, slots = query.shape[0], key.shape[2]
    none = torch.zeros(batch, slots, dtype=torch.bool, device=query.device)
    side = RowSide(none, none[:, 0])
    return entropy_sums(AttentionInputs(query, key, scale, mask), side, rows, block).value().to(key.dtype)


def cross_modal_entropy(
    query: Float[Tensor, "batch heads query dim"],
    key: Float[Tensor, "batch kv_heads slots dim"],
    vision: Bool[Tensor, "batch slots"],
    *,
    scale: float,
    mask: Tensor | None = None,
    causal: bool = True,
    block: int = BLOCK,
    rows: Int[Tensor, " rows"] | None = None,
) -> Float[Tensor, "batch heads"]:
    r"""MEDA's cross-modal entropy `E_TV + E_VT` of each head, in nats (arXiv 2502.17599, section 3).

    `E_TV = -1/n_T \sum_i \sum_j A_ij ln A_ij` with `A = softmax(Q_T K_V^T \cdot scale)`, normalised over the vision
    keys only, and `E_VT` with the two exchanged. Under a causal mask a row that sees no key of the other modality has
    no entropy and is left out of the mean; a side without any such row counts 0.

    Args:
        query: Queries after the rotary embedding.
        key: Keys, fewer heads than queries under grouped attention.
        vision: Which slots hold vision tokens; the last `query` of them are the queries' own.
        scale: Factor on the dot products.
        mask: Additive float or boolean mask, None for causal.
        causal: Whether the mask holds; the published formula has none, so that text before an image looks ahead.
        block: Query rows at once.
        rows: The query rows to use, all when None.
    """
    side = RowSide(vision, torch.ones_like(vision[:, 0]), causal)
    return entropy_sums(AttentionInputs(query, key, scale, mask), side, rows, block).value().to(key.dtype)


def entropy_sums(
    inputs: AttentionInputs, side: RowSide, rows: Int[Tensor, " rows"] | None = None, block: int = BLOCK
) -> EntropySums:
    """Sum the row entropies of one attention call; every row that has an entropy counts once."""
    sums = EntropySums.zeros(inputs.query)
    offset = inputs.slots - inputs.rows
    for part in score_blocks(inputs, rows, block, side.causal):
        allowed = side.allowed(part, offset)
        entropy = row_softmax(part.scores, allowed).entropy
        members = side.sides(part, offset) & allowed.any(-1)[:, 0, 0]
        sums = sums.add(entropy, members, torch.ones(len(part.rows), device=inputs.query.device))
    return sums
