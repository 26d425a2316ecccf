"""Multiscale message passing on the bi-stride hierarchy (BSMS-GNN, arXiv 2210.02573)."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from medsuite.gridml.models.batch import Extras, FieldBatch, Level
from medsuite.gridml.models.layers import displacement_features, normalised_perceptron, perceptron
from medsuite.gridml.models.meshgraphnet import Block
from medsuite.gridml.models.network import NetworkFamily


def pool(level: Level, node: Float[Tensor, "finer width"]) -> Float[Tensor, "coarser width"]:
    """Return the mean over each kept node and its neighbours."""
    coarse, fine = level.pooling
    values = node.index_select(0, fine) * level.weights[:, None]
    return node.new_zeros(len(level.positions), node.shape[1]).index_add(0, coarse, values)


def unpool(level: Level, node: Float[Tensor, "coarser width"], finer: int) -> Float[Tensor, "finer width"]:
    """Spread coarse values by the transpose of pooling, normalised so that a constant stays constant."""
    coarse, fine = level.pooling
    total = node.new_zeros(finer, node.shape[1] + 1)
    ones = node.new_ones(len(node), 1)
    values = torch.cat([node, ones], dim=1).index_select(0, coarse) * level.weights[:, None]
    total = total.index_add(0, fine, values)
    return total[:, :-1] / total[:, -1:].clamp_min(1e-12)


class MultiscaleNetwork(nn.Module):
    """One block on each graph on the way down, one on the coarsest, one on each on the way up, with skips.

    Edges of each level are encoded afresh from that level's displacements.
    """

    def __init__(self, features: int, edge_length: float, config: "Multiscale") -> None:
        super().__init__()
        width, levels = config.width, config.levels
        self.edge_length = edge_length
        self.encode_node = normalised_perceptron(features, width)
        self.encode_edge = nn.ModuleList(normalised_perceptron(3, width) for _ in range(levels + 1))
        self.down = nn.ModuleList(Block(width) for _ in range(levels))
        self.coarsest = Block(width)
        self.up = nn.ModuleList(Block(width) for _ in range(levels))
        self.decode = perceptron(width, width, 1)

    def forward(self, batch: FieldBatch) -> Float[Tensor, " nodes"]:
        """Return the field in units of the target's scale."""
        graphs = [(batch.positions, batch.edges), *((level.positions, level.edges) for level in batch.levels)]
        edge = [
            encode(displacement_features(*graph) / (self.edge_length * 2**depth))
            for depth, (encode, graph) in enumerate(zip(self.encode_edge, graphs, strict=False))
        ]
        node, skips = self.encode_node(batch.features), []
        for depth, level in enumerate(batch.levels):
            node, edge[depth] = self.down[depth](node, edge[depth], graphs[depth][1])
            skips.append(node)
            node = pool(level, node)
        depth = len(batch.levels)
        node, _ = self.coarsest(node, edge[depth], graphs[depth][1])
        for depth in reversed(range(len(batch.levels))):
            node = skips[depth] + unpool(batch.levels[depth], node, len(skips[depth]))
            node, _ = self.up[depth](node, edge[depth], graphs[depth][1])
        return self.decode(node)[:, 0]


@dataclass(frozen=True)
class Multiscale(NetworkFamily):
    """Bi-stride multiscale message passing: the reach doubles with each level.

    Attributes:
        width: Channels of nodes and edges.
        levels: Coarser graphs, each of about half the nodes; fewer where a mesh has no edge left.
    """

    name: ClassVar[str] = "multiscale"

    width: int = 32
    levels: int = 4

    def build(self, features: int, edge_length: float) -> nn.Module:
        """Return the network with fresh weights."""
        return MultiscaleNetwork(features, edge_length, self)

    def extras(self) -> Extras:
        """The hierarchy of coarser graphs."""
        return Extras(levels=self.levels)
