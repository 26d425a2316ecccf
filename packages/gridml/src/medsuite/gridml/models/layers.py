"""Small layers that several families share."""

from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


def perceptron(inputs: int, width: int, outputs: int, *, hidden: int = 2) -> nn.Sequential:
    """Return a multilayer perceptron with ReLU after each of its hidden layers."""
    widths = [inputs] + [width] * hidden
    layers: list[nn.Module] = []
    for wide_in, wide_out in pairwise(widths):
        layers += [nn.Linear(wide_in, wide_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], outputs))


def normalised_perceptron(inputs: int, width: int) -> nn.Sequential:
    """Return two hidden layers and a LayerNorm, as MeshGraphNets uses everywhere but in the decoder."""
    return nn.Sequential(perceptron(inputs, width, width), nn.LayerNorm(width))


def sum_to_receivers(
    values: Float[Tensor, "edges channels"], receivers: Int[Tensor, " edges"], nodes: int
) -> Float[Tensor, "nodes channels"]:
    """Return Σ_j e_ij over the edges that end in each node."""
    return values.new_zeros(nodes, values.shape[1]).index_add(0, receivers, values)


def displacement_features(
    positions: Float[Tensor, "nodes 2"], edges: Int[Tensor, "2 edges"]
) -> Float[Tensor, "edges 3"]:
    """Return x_i − x_j and |x_i − x_j| of each edge."""
    difference = positions[edges[1]] - positions[edges[0]]
    return torch.cat([difference, difference.norm(dim=1, keepdim=True)], dim=1)
