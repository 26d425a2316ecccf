"""Cases as tensors, and several cases as one batch: nodes and edges concatenated, never padded to a fixed mesh."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from medsuite.gridml.case import Case
from medsuite.gridml.graph import Coarsening, both_directions, hierarchy
from medsuite.gridml.models.gridding import Encoding, encode_grid
from medsuite.gridml.models.normalise import Normaliser


@dataclass(frozen=True, eq=False)
class Level:
    """One coarser graph of a hierarchy.

    Attributes:
        positions: Its nodes.
        edges: Senders and receivers.
        pooling: Pairs (coarse node, finer node).
        weights: Weight of each pair; those of a coarse node sum to one.
    """

    positions: Float[Tensor, "nodes 2"]
    edges: Int[Tensor, "2 edges"]
    pooling: Int[Tensor, "2 pairs"]
    weights: Float[Tensor, " pairs"]


@dataclass(frozen=True, eq=False)
class FieldBatch:
    """One case or several.

    Attributes:
        positions: Nodes in the frame [−1, 1]².
        features: See `Normaliser.features`.
        measure: Lumped mass of each node, in units of its case's area: sums to one over a case.
        case: Index of each node's case, ascending.
        sizes: Nodes of each case.
        edges: Senders and receivers, both directions.
        fixed: Nodes with prescribed values.
        fixed_values: These values in units of the target's scale, zero elsewhere.
        target: Solution in the same units; zero where it is not known.
        levels: Coarser graphs, finest first.
        grid: The case on a regular grid over the frame, for families that need it.
    """

    positions: Float[Tensor, "nodes 2"]
    features: Float[Tensor, "nodes features"]
    measure: Float[Tensor, " nodes"]
    case: Int[Tensor, " nodes"]
    sizes: tuple[int, ...]
    edges: Int[Tensor, "2 edges"]
    fixed: Bool[Tensor, " nodes"]
    fixed_values: Float[Tensor, " nodes"]
    target: Float[Tensor, " nodes"]
    levels: tuple[Level, ...] = ()
    grid: Float[Tensor, "cases channels height width"] | None = None

    def mean(self, values: Float[Tensor, "nodes channels"]) -> Float[Tensor, "cases channels"]:
        """Return the volume-weighted mean over each case."""
        total = values.new_zeros(len(self.sizes), values.shape[1])
        return total.index_add(0, self.case, values * self.measure[:, None])

    def slots(self) -> Int[Tensor, " nodes"]:
        """Return each node's row in a padded layout of `cases · longest` rows; see `padded`."""
        starts = np.cumsum((0, *self.sizes[:-1]))
        rank = torch.arange(len(self.case)) - torch.from_numpy(starts)[self.case]
        return self.case * max(self.sizes) + rank

    def padded(self, values: Float[Tensor, "nodes channels"]) -> Float[Tensor, "cases longest channels"]:
        """Lay cases out side by side, shorter ones filled with zeros."""
        rows = values.new_zeros(len(self.sizes) * max(self.sizes), values.shape[1])
        return rows.index_copy(0, self.slots(), values).view(len(self.sizes), -1, values.shape[1])

    def unpadded(self, values: Float[Tensor, "cases longest channels"]) -> Float[Tensor, "nodes channels"]:
        """Undo `padded`."""
        return values.flatten(0, 1)[self.slots()]

    def constrained(self, values: Float[Tensor, " nodes"]) -> Float[Tensor, " nodes"]:
        """Put prescribed values on the fixed nodes: dirichlet data hold exactly."""
        return torch.where(self.fixed, self.fixed_values, values)


@dataclass(frozen=True)
class Extras:
    """What a family needs besides nodes and edges.

    Attributes:
        levels: Number of coarser graphs.
        grid: Side of the regular grid, or 0 for none.
        encoding: How a case gets on the grid.
    """

    levels: int = 0
    grid: int = 0
    encoding: Encoding = "geometric"


def _single(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))


def encode(case: Case, normaliser: Normaliser, extras: Extras) -> FieldBatch:
    """Turn a case into a batch of one."""
    mesh, features = case.mesh, normaliser.features(case)
    positions = normaliser.positions(mesh.points)
    target = np.zeros(mesh.node_count) if case.target is None else case.target / normaliser.target_scale
    grid = encode_grid(case, positions, features, normaliser, extras.grid, extras.encoding) if extras.grid else None
    return FieldBatch(
        positions=_single(positions),
        features=_single(features),
        measure=_single(mesh.measure / mesh.measure.sum()),
        case=torch.zeros(mesh.node_count, dtype=torch.int64),
        sizes=(mesh.node_count,),
        edges=torch.from_numpy(both_directions(mesh.edges)),
        fixed=torch.from_numpy(case.fixed),
        fixed_values=_single(case.fixed_values / normaliser.target_scale),
        target=_single(target),
        levels=_levels(hierarchy(mesh, extras.levels), positions),
        grid=None if grid is None else _single(grid)[None],
    )


def _levels(steps: Sequence[Coarsening], positions: Float[np.ndarray, "nodes 2"]) -> tuple[Level, ...]:
    levels = []
    for step in steps:
        positions, pairs = positions[step.kept], step.pooling.tocoo()
        index = np.stack([pairs.row, pairs.col]).astype(np.int64)
        edges = torch.from_numpy(both_directions(step.edges))
        levels.append(Level(_single(positions), edges, torch.from_numpy(index), _single(pairs.data)))
    return tuple(levels)


def collate(samples: Sequence[FieldBatch]) -> FieldBatch:
    """Join batches into one: node numbers are shifted, nothing else changes.

    All samples keep the coarser graphs that each of them has.
    """
    offsets = np.cumsum([0, *(len(sample.positions) for sample in samples)])
    ranks = np.cumsum([0, *(len(sample.sizes) for sample in samples)])
    grids = [sample.grid for sample in samples if sample.grid is not None]
    return FieldBatch(
        positions=torch.cat([sample.positions for sample in samples]),
        features=torch.cat([sample.features for sample in samples]),
        measure=torch.cat([sample.measure for sample in samples]),
        case=torch.cat([sample.case + int(rank) for sample, rank in zip(samples, ranks, strict=False)]),
        sizes=tuple(size for sample in samples for size in sample.sizes),
        edges=torch.cat([sample.edges + int(start) for sample, start in zip(samples, offsets, strict=False)], dim=1),
        fixed=torch.cat([sample.fixed for sample in samples]),
        fixed_values=torch.cat([sample.fixed_values for sample in samples]),
        target=torch.cat([sample.target for sample in samples]),
        levels=_collate_levels(samples),
        grid=torch.cat(grids) if grids else None,
    )


def _collate_levels(samples: Sequence[FieldBatch]) -> tuple[Level, ...]:
    joined, finer = [], [len(sample.positions) for sample in samples]
    for depth in range(min(len(sample.levels) for sample in samples)):
        parts = [sample.levels[depth] for sample in samples]
        sizes = [len(part.positions) for part in parts]
        coarse_start, fine_start = np.cumsum([0, *sizes]), np.cumsum([0, *finer])
        shifts = [torch.tensor([[coarse], [fine]]) for coarse, fine in zip(coarse_start, fine_start, strict=True)]
        joined.append(
            Level(
                torch.cat([part.positions for part in parts]),
                torch.cat([part.edges + int(start) for part, start in zip(parts, coarse_start, strict=False)], dim=1),
                torch.cat([part.pooling + shift for part, shift in zip(parts, shifts, strict=False)], dim=1),
                torch.cat([part.weights for part in parts]),
            )
        )
        finer = sizes
    return tuple(joined)
