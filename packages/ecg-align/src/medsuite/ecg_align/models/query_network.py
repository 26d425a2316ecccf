"""The query network (SuPreME's cardiac fusion network): each query attends to the tokens and gets a score."""

from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from medsuite.ecg_align.models.blocks import Attention, Tokens, mlp


@dataclass(frozen=True)
class Scores:
    """Answers to queries.

    Attributes:
        logits: One score per recording and query; its sigmoid is the probability.
        attention: Where the last layer looked, averaged over its heads.
    """

    logits: Float[Tensor, "record query"]
    attention: Float[Tensor, "record query token"]


class QueryLayer(nn.Module):
    """Q + MHA(LN Q, Z, Z), then Q + FFN(LN Q): queries see tokens, not each other."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.mlp = mlp(width, 2)

    def forward(
        self, queries: Float[Tensor, "record query width"], tokens: Tokens
    ) -> Float[Tensor, "record query width"]:
        """Update the queries by what they find."""
        queries = queries + self.attention(self.norm(queries), tokens.states, tokens.present)
        return queries + self.mlp(queries)


class QueryNetwork(nn.Module):
    """Scores texts against recordings: Q⁰ = W g(q), L layers of `QueryLayer`, s = w · LN(Q) + b.

    Queries do not attend to each other, so that adding one changes no other's score.

    Args:
        text_width: Width of the text embeddings g(q).
        width: Width of the encoder's tokens.
        depth: Number of layers, L.
        heads: Number of attention heads.
    """

    def __init__(self, text_width: int, width: int = 48, depth: int = 1, heads: int = 4) -> None:
        super().__init__()
        self.embedding = nn.Linear(text_width, width)
        self.layers = nn.ModuleList(QueryLayer(width, heads) for _ in range(depth))
        self.score = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 1))

    def forward(self, queries: Float[Tensor, "query text"], tokens: Tokens) -> Float[Tensor, "record query"]:
        """Return one logit per recording and query."""
        return self.score(self._states(queries, tokens)).squeeze(-1)

    @torch.no_grad()
    def scores(self, queries: Float[Tensor, "query text"], tokens: Tokens) -> Scores:
        """Return the logits and where the last layer looked."""
        before = self._states(queries, tokens, layers=len(self.layers) - 1)
        last = cast(QueryLayer, self.layers[-1])
        attention = last.attention.weights(last.norm(before), tokens.states, tokens.present)
        return Scores(self.score(last(before, tokens)).squeeze(-1), attention)

    def _states(
        self, queries: Float[Tensor, "query text"], tokens: Tokens, layers: int | None = None
    ) -> Float[Tensor, "record query width"]:
        states = self.embedding(queries).expand(len(tokens.states), -1, -1)
        for layer in self.layers[:layers]:
            states = layer(states, tokens)
        return states
