"""Transformer blocks over tokens that may be absent, and the tokens themselves."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from medsuite.core.errors import InputError


@dataclass(frozen=True)
class Tokens:
    """What an encoder makes of recordings.

    Attributes:
        states: Token states.
        lead: Position of each token's lead among the leads that were given; -1 for a token of all leads.
        time: Middle of each token's segment in seconds.
        present: False for tokens without enough valid samples; None where all are present.
    """

    states: Float[Tensor, "record token width"]
    lead: Int[Tensor, "record token"]
    time: Float[Tensor, "record token"]
    present: Bool[Tensor, "record token"] | None = None

    def pooled(self) -> Float[Tensor, "record width"]:
        """Return the mean state of the present tokens; zero where none is."""
        if self.present is None:
            return self.states.mean(1)
        weights = self.present.unsqueeze(-1).to(self.states.dtype)
        return (self.states * weights).sum(1) / weights.sum(1).clamp(min=1)


class Attention(nn.Module):
    """Multi-head attention, softmax(Q Kᵀ / √(d/h)) V, of queries to tokens.

    Args:
        width: Width d of queries, tokens and result.
        heads: Number of heads h.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.output = nn.Linear(width, width), nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)

    def forward(
        self,
        queries: Float[Tensor, "record query width"],
        tokens: Float[Tensor, "record token width"],
        present: Bool[Tensor, "record token"] | None = None,
    ) -> Float[Tensor, "record query width"]:
        """Attend to the tokens that are present."""
        query, key, value = self._split(queries, tokens)
        mask = None if present is None else present[:, None, None]
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.output(mixed.transpose(1, 2).flatten(2))

    def weights(
        self,
        queries: Float[Tensor, "record query width"],
        tokens: Float[Tensor, "record token width"],
        present: Bool[Tensor, "record token"] | None = None,
    ) -> Float[Tensor, "record query token"]:
        """Return the attention of each query to each token, averaged over the heads; a query's sum to one."""
        query, key, _ = self._split(queries, tokens)
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        if present is not None:
            scores = scores.masked_fill(~present[:, None, None], -math.inf)
        return scores.softmax(dim=-1).mean(1)

    def _split(
        self, queries: Float[Tensor, "record query width"], tokens: Float[Tensor, "record token width"]
    ) -> tuple[Tensor, Tensor, Tensor]:
        key, value = self.key_value(tokens).chunk(2, dim=-1)
        parts = (self.query(queries), key, value)
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        return query, key, value


class Block(nn.Module):
    """A pre-norm transformer block: x + Attention(LN x), then x + MLP(LN x).

    Args:
        width: Width of the tokens.
        heads: Number of attention heads.
        ratio: Width of the MLP over that of the tokens.
    """

    def __init__(self, width: int, heads: int, ratio: int = 2) -> None:
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.mlp = mlp(width, ratio)

    def forward(
        self, tokens: Float[Tensor, "record token width"], present: Bool[Tensor, "record token"] | None = None
    ) -> Float[Tensor, "record token width"]:
        """Let the tokens that are present attend to each other."""
        normed = self.norm(tokens)
        tokens = tokens + self.attention(normed, normed, present)
        return tokens + self.mlp(tokens)


def require_finite(signal: Float[Tensor, "record lead sample"]) -> None:
    """Refuse samples that are no numbers: they would make every score of their recording none.

    Raises:
        InputError: A sample is NaN or infinite.
    """
    spoilt = ~torch.isfinite(signal).flatten(1).all(dim=1)
    if spoilt.any():
        raise InputError(
            f"recordings {', '.join(map(str, spoilt.nonzero().flatten().tolist()[:5]))} of the batch have samples that "
            "are no numbers",
            expected="finite voltages",
            fix="pass the mask of the valid samples to an encoder that takes one (valid=), or leave them out",
        )


def mlp(width: int, ratio: int) -> nn.Sequential:
    """Return the block's second half: LN, linear, GELU, linear."""
    return nn.Sequential(
        nn.LayerNorm(width), nn.Linear(width, ratio * width), nn.GELU(), nn.Linear(ratio * width, width)
    )


def sinusoids(seconds: Float[Tensor, "*token"], width: int) -> Float[Tensor, "*token width"]:
    """Return sines and cosines of real time, with periods from 0.5 s to 100 s, so that any length and rate work."""
    periods = torch.logspace(math.log10(0.5), 2, width // 2, device=seconds.device)
    angle = 2 * math.pi * seconds.unsqueeze(-1) / periods
    return torch.cat([angle.sin(), angle.cos()], dim=-1)
