"""Graphs of meshes: directed edges, and the bi-stride hierarchy of coarser graphs."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from medsuite.gridml.mesh import Mesh


def both_directions(edges: Int[np.ndarray, "edges 2"]) -> Int[np.ndarray, "2 directed"]:
    """Return senders and receivers of each undirected edge in both directions."""
    return np.concatenate([edges, edges[:, ::-1]]).T.copy()


def adjacency(edges: Int[np.ndarray, "edges 2"], nodes: int) -> csr_array:
    """Return the symmetric 0/1 adjacency matrix without self loops."""
    senders, receivers = both_directions(edges)
    matrix = csr_array(coo_array((np.ones(len(senders)), (senders, receivers)), shape=(nodes, nodes)))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix


@dataclass(frozen=True, eq=False)
class Coarsening:
    """One step of a hierarchy.

    Attributes:
        kept: Nodes of the finer graph that the coarser graph keeps, ascending.
        edges: Undirected edges of the coarser graph, in its own numbering.
        pooling: Row-stochastic matrix from finer to coarser values: mean over a kept node and its neighbours.
    """

    kept: Int[np.ndarray, " coarse"]
    edges: Int[np.ndarray, "edges 2"]
    pooling: csr_array


def bistride(edges: Int[np.ndarray, "edges 2"], positions: Float[np.ndarray, "nodes 2"]) -> Coarsening:
    """Coarsen by keeping every other level of a breadth-first search (BSMS-GNN, arXiv 2210.02573, section 3.1).

    In each component the search starts at the node nearest to its centroid; the parity with fewer nodes is kept, ties
    to the even one. Coarse edges join kept nodes at most two hops apart, so that a connected graph stays connected.
    """
    nodes = len(positions)
    matrix = adjacency(edges, nodes)
    kept = np.flatnonzero(_kept_levels(matrix, positions))
    square = csr_array(matrix @ matrix + matrix)[kept][:, kept].tocoo()
    upper = square.row < square.col
    coarse = np.stack([square.row[upper], square.col[upper]], axis=1).astype(np.int64)
    around = csr_array(
        matrix[kept] + coo_array((np.ones(len(kept)), (np.arange(len(kept)), kept)), shape=(len(kept), nodes))
    )
    scale = 1.0 / around.sum(axis=1)
    around.data *= np.repeat(scale, np.diff(around.indptr))
    return Coarsening(kept, coarse, around)


def _kept_levels(matrix: csr_array, positions: Float[np.ndarray, "nodes 2"]) -> np.ndarray:
    keep = np.zeros(len(positions), dtype=bool)
    count, label = connected_components(matrix, directed=False)
    for component in range(count):
        members = np.flatnonzero(label == component)
        offset = positions[members] - positions[members].mean(axis=0)
        start = int(members[np.argmin((offset**2).sum(axis=1))])
        even = bfs_levels(matrix, start)[members] % 2 == 0
        keep[members] = even if even.sum() <= (~even).sum() or even.all() else ~even
    return keep


def bfs_levels(matrix: csr_array, start: int) -> Int[np.ndarray, " nodes"]:
    """Return the number of hops from a node to each node; −1 where there is no path."""
    order, predecessors = breadth_first_order(matrix, start, directed=False)
    levels = np.full(matrix.shape[0], -1, dtype=np.int64)
    levels[start] = 0
    for node in order[1:]:
        levels[node] = levels[predecessors[node]] + 1
    return levels


def hierarchy(mesh: Mesh, levels: int) -> tuple[Coarsening, ...]:
    """Coarsen a mesh's graph repeatedly; stops early where a graph has no edge left."""
    steps, edges, positions = [], mesh.edges, mesh.points
    for _ in range(levels):
        if not len(edges):
            break
        step = bistride(edges, positions)
        steps.append(step)
        edges, positions = step.edges, positions[step.kept]
    return tuple(steps)


def hop_diameter(mesh: Mesh) -> int:
    """Return a lower bound on the graph's diameter in hops, by two breadth-first searches.

    A flat message-passing network of L blocks sees L hops: print L over this number beside its error.
    """
    matrix = adjacency(mesh.edges, mesh.node_count)
    far = int(np.argmax(bfs_levels(matrix, 0)))
    return int(bfs_levels(matrix, far).max())
