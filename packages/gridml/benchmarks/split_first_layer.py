"""Time of a MeshGraphNets training step: first edge layer split per node against the concatenation, alternating.

Run: `uv run python packages/gridml/benchmarks/split_first_layer.py`. Prints a table, writes `split_first_layer.json`.
"""

import json
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from medsuite.gridml.models.batch import Extras, encode
from medsuite.gridml.models.meshgraphnet import MeshGraphNet, SplitPerceptron
from medsuite.gridml.models.normalise import Normaliser
from medsuite.gridml.simulation import simulate

SIZES = ((32, 6), (64, 8))
REPEATS = 9


class Concatenated(nn.Module):
    """The same function on the tensor [e_ij, v_i, v_j] of three times the width."""

    def __init__(self, split):
        super().__init__()
        width = split.edge.out_features
        self.first, self.rest = nn.Linear(3 * width, width), split.rest
        with torch.no_grad():
            self.first.weight.copy_(torch.cat([split.edge.weight, split.sender.weight, split.receiver.weight], dim=1))
            self.first.bias.copy_(split.edge.bias)

    def forward(self, edge, node, edges):
        """Return the edge increment."""
        return self.rest(self.first(torch.cat([edge, node[edges[0]], node[edges[1]]], dim=1)))


def step(network, batch):
    start = time.perf_counter()
    network(batch).square().mean().backward()
    return time.perf_counter() - start


def compare(width, blocks, batch, normaliser):
    networks = []
    for _ in range(2):
        network = MeshGraphNet(width=width, blocks=blocks).prepare(normaliser, batch.features.shape[1], 0).network
        networks.append(network)
    for block in networks[1].blocks:
        if isinstance(block.edge_update, SplitPerceptron):
            block.edge_update = Concatenated(block.edge_update)
    difference = float((networks[0](batch) - networks[1](batch)).abs().max().detach())
    for network in networks:
        step(network, batch)
    times = np.array([[step(network, batch) for network in networks] for _ in range(REPEATS)])
    ratios = times[:, 1] / times[:, 0]
    return {
        "width": width,
        "blocks": blocks,
        "nodes": len(batch.case),
        "split_ms": 1000 * float(np.median(times[:, 0])),
        "concatenated_ms": 1000 * float(np.median(times[:, 1])),
        "ratio": float(np.median(ratios)),
        "ratio_range": [float(ratios.min()), float(ratios.max())],
        "largest_difference": difference,
    }


def main():
    torch.set_num_threads(1)
    cases = simulate("poisson", cases=1, seed=0, spacing=0.043)
    normaliser = Normaliser.of(cases)
    batch = encode(cases[0], normaliser, Extras())
    rows = [compare(width, blocks, batch, normaliser) for width, blocks in SIZES]
    print(f"{'size':>8} {'nodes':>6} {'split ms':>9} {'concat ms':>10} {'ratio':>6}  range")
    for row in rows:
        low, high = row["ratio_range"]
        print(
            f"{row['width']:>4}x{row['blocks']:<3} {row['nodes']:>6} {row['split_ms']:>9.1f} "
            f"{row['concatenated_ms']:>10.1f} {row['ratio']:>6.2f}  {low:.2f} to {high:.2f}"
        )
    Path("split_first_layer.json").write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
