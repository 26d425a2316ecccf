"""MeshGraphNets (arXiv 2010.03409): encode, process by message passing along mesh edges, decode."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from medsuite.gridml.models.batch import Extras, FieldBatch
from medsuite.gridml.models.layers import displacement_features, normalised_perceptron, perceptron, sum_to_receivers
from medsuite.gridml.models.network import NetworkFamily

Residual = Literal["paper", "released"]


def _gather(node: Float[Tensor, "nodes width"], index: Int[Tensor, " edges"]) -> Float[Tensor, "edges width"]:
    # index_select's backward is one index_add; that of node[index] sorts first and is several times slower.
    return node.index_select(0, index)


class SplitPerceptron(nn.Module):
    """The edge update's perceptron on [e_ij, v_i, v_j], with its first layer split into three.

    W [e; v_s; v_r] = W_e e + W_s v_s + W_r v_r: the two node products are taken per node and gathered, so that no edge
    tensor of three times the width exists. Same function as on the concatenation.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.edge = nn.Linear(width, width)
        self.sender = nn.Linear(width, width, bias=False)
        self.receiver = nn.Linear(width, width, bias=False)
        self.rest = nn.Sequential(
            nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width), nn.LayerNorm(width)
        )
        self._initialise_as_one(width)

    def _initialise_as_one(self, width: int) -> None:
        whole = nn.Linear(3 * width, width)
        with torch.no_grad():
            for layer, columns in zip((self.edge, self.sender, self.receiver), whole.weight.chunk(3, 1), strict=True):
                layer.weight.copy_(columns)
            self.edge.bias.copy_(whole.bias)

    def forward(
        self, edge: Float[Tensor, "edges width"], node: Float[Tensor, "nodes width"], edges: Int[Tensor, "2 edges"]
    ) -> Float[Tensor, "edges width"]:
        """Return the edge increment."""
        first = self.edge(edge) + _gather(self.sender(node), edges[0]) + _gather(self.receiver(node), edges[1])
        return self.rest(first)


class Block(nn.Module):
    """One message-passing step: e' = e + f_e([e, v_i, v_j]), v' = v + f_v([v, Σ_j e'_ij]).

    Args:
        width: Channels of nodes and edges.
        residual: `"paper"`: the sum runs over e'; `"released"`: over the increments f_e only, as the published code
            does (google-deepmind/deepmind-research issue 609).
        context: Further channels that the node update sees.
    """

    def __init__(self, width: int, residual: Residual = "paper", context: int = 0) -> None:
        super().__init__()
        self.residual = residual
        self.edge_update = SplitPerceptron(width)
        self.node_update = normalised_perceptron(2 * width + context, width)

    def forward(
        self,
        node: Float[Tensor, "nodes width"],
        edge: Float[Tensor, "edges width"],
        edges: Int[Tensor, "2 edges"],
        context: Float[Tensor, "nodes context"] | None = None,
    ) -> tuple[Float[Tensor, "nodes width"], Float[Tensor, "edges width"]]:
        """Return updated nodes and edges."""
        increment = self.edge_update(edge, node, edges)
        message = edge + increment if self.residual == "paper" else increment
        gathered = [node, sum_to_receivers(message, edges[1], len(node))]
        seen = gathered if context is None else [*gathered, context]
        return node + self.node_update(torch.cat(seen, dim=1)), edge + increment


class GlobalContext(nn.Module):
    """What every node is told about its whole case: a perceptron of the volume-weighted mean of the nodes."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.summary = normalised_perceptron(width, width)

    def forward(self, node: Float[Tensor, "nodes width"], batch: FieldBatch) -> Float[Tensor, "nodes width"]:
        """Return the context of each node's case."""
        return self.summary(batch.mean(node))[batch.case]


class MeshGraphNetwork(nn.Module):
    """Encoder, L blocks with weights of their own, decoder without LayerNorm.

    Nodes carry fields and boundary types, edges carry x_i − x_j and |x_i − x_j|; no absolute position enters.
    """

    def __init__(self, features: int, edge_length: float, config: "MeshGraphNet") -> None:
        super().__init__()
        width, self.edge_length = config.width, edge_length
        self.encode_node = normalised_perceptron(features, width)
        self.encode_edge = normalised_perceptron(3, width)
        context = width if config.global_context else 0
        self.blocks = nn.ModuleList(Block(width, config.residual, context) for _ in range(config.blocks))
        self.contexts = nn.ModuleList(GlobalContext(width) for _ in range(config.blocks) if config.global_context)
        self.decode = perceptron(width, width, 1)

    def forward(self, batch: FieldBatch) -> Float[Tensor, " nodes"]:
        """Return the field in units of the target's scale."""
        node = self.encode_node(batch.features)
        edge = self.encode_edge(displacement_features(batch.positions, batch.edges) / self.edge_length)
        for index, block in enumerate(self.blocks):
            context = self.contexts[index](node, batch) if self.contexts else None
            node, edge = block(node, edge, batch.edges, context)
        return self.decode(node)[:, 0]


@dataclass(frozen=True)
class MeshGraphNet(NetworkFamily):
    """MeshGraphNets for a steady field.

    Attributes:
        width: Channels; 128 in the paper.
        blocks: Message-passing steps, the number of hops that a node sees; 15 in the paper.
        residual: Which of two published node updates; see `Block`.
        global_context: Whether each block also sees the mean over the whole case. The paper's network does not: it is
            short-sighted on elliptic problems, where every point of the domain matters to every other.
    """

    name: ClassVar[str] = "meshgraphnet"

    width: int = 32
    blocks: int = 6
    residual: Residual = "paper"
    global_context: bool = False

    def build(self, features: int, edge_length: float) -> nn.Module:
        """Return the network with fresh weights."""
        return MeshGraphNetwork(features, edge_length, self)

    def extras(self) -> Extras:
        """Nodes and edges suffice."""
        return Extras()
