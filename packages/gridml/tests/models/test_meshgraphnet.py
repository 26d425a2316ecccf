from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from medsuite.gridml.models.batch import Extras, collate, encode
from medsuite.gridml.models.meshgraphnet import Block, MeshGraphNet, SplitPerceptron
from medsuite.gridml.models.normalise import Normaliser


def random_graph(nodes=7, edges=15, width=4):
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(nodes, width, generator=generator),
        torch.randn(edges, width, generator=generator),
        torch.randint(nodes, (2, edges), generator=generator),
    )


def slow_edge_update(layer: SplitPerceptron, edge, node, edges):
    """MLP([e_ij, v_i, v_j]) on the concatenation, one edge at a time."""
    whole = nn.Linear(3 * edge.shape[1], edge.shape[1])
    with torch.no_grad():
        whole.weight.copy_(torch.cat([layer.edge.weight, layer.sender.weight, layer.receiver.weight], dim=1))
        whole.bias.copy_(layer.edge.bias)
    rows = []
    for index, (sender, receiver) in enumerate(edges.T.tolist()):
        rows.append(layer.rest(whole(torch.cat([edge[index], node[sender], node[receiver]]))))
    return torch.stack(rows)


def test_the_split_first_layer_is_the_concatenated_one():
    node, edge, edges = random_graph()
    layer = SplitPerceptron(4)
    torch.testing.assert_close(layer(edge, node, edges), slow_edge_update(layer, edge, node, edges), atol=1e-5, rtol=0)


@pytest.mark.parametrize("residual", ["paper", "released"])
def test_a_block_is_the_two_equations_of_the_paper_or_of_the_released_code(residual):
    node, edge, edges = random_graph()
    block = Block(4, residual)
    increment = slow_edge_update(block.edge_update, edge, node, edges)
    message = edge + increment if residual == "paper" else increment
    expected = []
    for index in range(len(node)):
        incoming = message[edges[1] == index].sum(dim=0)
        expected.append(node[index] + block.node_update(torch.cat([node[index], incoming])))
    updated_node, updated_edge = block(node, edge, edges)
    torch.testing.assert_close(updated_node, torch.stack(expected), atol=1e-5, rtol=0)
    torch.testing.assert_close(updated_edge, edge + increment, atol=1e-5, rtol=0)


def test_the_parameter_count_of_32_by_6_is_that_of_the_reference(cases):
    normaliser = Normaliser.of(cases)
    network = MeshGraphNet().prepare(normaliser, 5, 0).network
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(64_000, rel=0.01)


def test_moving_the_whole_case_changes_nothing(cases):
    config, normaliser = MeshGraphNet(width=8, blocks=2), Normaliser.of(cases)
    batch = encode(cases[0], normaliser, Extras())
    network = config.prepare(normaliser, batch.features.shape[1], 0).network
    moved = replace(batch, positions=batch.positions + torch.tensor([0.25, -0.5]))
    torch.testing.assert_close(network(moved), network(batch), atol=1e-5, rtol=0)
    turned = replace(batch, positions=batch.positions[:, [1, 0]] * torch.tensor([-1.0, 1.0]))
    assert not torch.allclose(network(turned), network(batch), atol=1e-3), "turning it does: displacements turn"


def test_a_flat_network_sees_as_many_hops_as_it_has_blocks(cases):
    config, normaliser = MeshGraphNet(width=8, blocks=2), Normaliser.of(cases)
    batch = encode(cases[0], normaliser, Extras())
    network = config.prepare(normaliser, batch.features.shape[1], 0).network
    features = batch.features.clone().requires_grad_(True)
    network(replace(batch, features=features))[0].backward()
    reached = features.grad.abs().sum(dim=1) > 0
    adjacency = np.eye(len(reached), dtype=bool)
    adjacency[tuple(batch.edges.numpy())] = True
    within = np.linalg.matrix_power(adjacency.astype(int), 2)[0] > 0
    assert (reached.numpy() <= within).all()
    assert reached.sum() > 3


@pytest.mark.parametrize("global_context", [False, True])
def test_a_batch_is_its_cases_one_by_one(cases, global_context):
    config, normaliser = MeshGraphNet(width=8, blocks=2, global_context=global_context), Normaliser.of(cases)
    singles = [encode(case, normaliser, Extras()) for case in cases]
    network = config.prepare(normaliser, singles[0].features.shape[1], 0).network
    torch.testing.assert_close(
        network(collate(singles)), torch.cat([network(single) for single in singles]), atol=1e-5, rtol=0
    )
