"""Transolver (arXiv 2402.02366): attention among a few learned slices of the domain instead of among nodes."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from medsuite.core.errors import InputError
from medsuite.gridml.models.batch import Extras, FieldBatch
from medsuite.gridml.models.layers import perceptron
from medsuite.gridml.models.network import NetworkFamily

Measure = Literal["volume", "count"]
EPSILON = 1e-5


class PhysicsAttention(nn.Module):
    """Slice, attend among slices, deslice.

    w_i = softmax(W_s x_i / τ) over G slices; z_g = Σ_i m_i w_ig f_i / (Σ_i m_i w_ig + 1e-5); softmax attention among
    the G tokens; out_i = Σ_g w_ig z'_g. The weight m_i is one in the paper (`"count"`); `"volume"` takes the lumped
    mass in units of the mean one, which makes a token an integral over the domain, whatever the density of the nodes.
    O(nodes · slices).
    """

    def __init__(self, width: int, heads: int, slices: int) -> None:
        super().__init__()
        self.heads, channels = heads, width // heads
        self.to_slice_input, self.to_value = nn.Linear(width, width), nn.Linear(width, width)
        self.to_slice = nn.Linear(channels, slices)
        nn.init.orthogonal_(self.to_slice.weight)
        self.temperature = nn.Parameter(torch.full((1, heads, 1, 1), 0.5))
        self.query, self.key, self.value = (nn.Linear(channels, channels, bias=False) for _ in range(3))
        self.out = nn.Linear(width, width)

    def slice_weights(self, nodes: Float[Tensor, "cases longest width"]) -> Float[Tensor, "cases heads longest slices"]:
        """Return how much each node belongs to each slice; sums to one over slices."""
        return torch.softmax(self.to_slice(self._split(self.to_slice_input(nodes))) / self.temperature, dim=-1)

    def forward(
        self, nodes: Float[Tensor, "cases longest width"], weight: Float[Tensor, "cases longest"]
    ) -> Float[Tensor, "cases longest width"]:
        """Attend; nodes of weight zero, such as padding, do not contribute."""
        belongs = self.slice_weights(nodes)
        weighted = belongs * weight[:, None, :, None]
        token = weighted.transpose(2, 3) @ self._split(self.to_value(nodes))
        token = token / (weighted.sum(dim=2)[..., None] + EPSILON)
        token = nn.functional.scaled_dot_product_attention(self.query(token), self.key(token), self.value(token))
        return self.out((belongs @ token).transpose(1, 2).flatten(2))

    def _split(self, nodes: Float[Tensor, "cases longest width"]) -> Float[Tensor, "cases heads longest channels"]:
        return nodes.unflatten(2, (self.heads, -1)).transpose(1, 2)


class TransolverLayer(nn.Module):
    """Physics attention and a perceptron, each on normalised input and added to it."""

    def __init__(self, width: int, heads: int, slices: int) -> None:
        super().__init__()
        self.attention_norm, self.perceptron_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = PhysicsAttention(width, heads, slices)
        self.perceptron = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(
        self, nodes: Float[Tensor, "cases longest width"], weight: Float[Tensor, "cases longest"]
    ) -> Float[Tensor, "cases longest width"]:
        """Return updated nodes."""
        nodes = nodes + self.attention(self.attention_norm(nodes), weight)
        return nodes + self.perceptron(self.perceptron_norm(nodes))


class TransolverNetwork(nn.Module):
    """Perceptron on positions and features, layers, LayerNorm and a linear map to the field."""

    def __init__(self, features: int, config: "Transolver") -> None:
        super().__init__()
        self.measure = config.measure
        self.encode = perceptron(features + 2, config.width, config.width, hidden=1)
        layers = (TransolverLayer(config.width, config.heads, config.slices) for _ in range(config.layers))
        self.layers = nn.ModuleList(layers)
        self.decode = nn.Sequential(nn.LayerNorm(config.width), nn.Linear(config.width, 1))

    def forward(self, batch: FieldBatch) -> Float[Tensor, " nodes"]:
        """Return the field in units of the target's scale."""
        nodes = batch.padded(self.encode(torch.cat([batch.positions, batch.features], dim=1)))
        weight = batch.padded(self._weights(batch)[:, None])[..., 0]
        for layer in self.layers:
            nodes = layer(nodes, weight)
        return batch.unpadded(self.decode(nodes))[:, 0]

    def _weights(self, batch: FieldBatch) -> Float[Tensor, " nodes"]:
        if self.measure == "count":
            return torch.ones_like(batch.measure)
        return batch.measure * torch.tensor(batch.sizes, dtype=batch.measure.dtype)[batch.case]


@dataclass(frozen=True)
class Transolver(NetworkFamily):
    """Transolver.

    Attributes:
        width: Channels; 128 in the paper.
        layers: 8 in the paper.
        heads: Divides the width; 8 in the paper.
        slices: Tokens in each head; 64 in the paper.
        measure: `"volume"` weighs nodes by their lumped mass, `"count"` is the published sum over nodes.
    """

    name: ClassVar[str] = "transolver"

    width: int = 64
    layers: int = 4
    heads: int = 4
    slices: int = 32
    measure: Measure = "volume"

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise InputError(
                f"a width of {self.width} with {self.heads} heads", expected="a width that the heads divide"
            )

    def build(self, features: int, edge_length: float) -> nn.Module:
        """Return the network with fresh weights."""
        return TransolverNetwork(features, self)

    def extras(self) -> Extras:
        """Nodes suffice."""
        return Extras()
