import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components, shortest_path

from medsuite.gridml.domains import random_star, triangulate
from medsuite.gridml.graph import adjacency, bfs_levels, bistride, both_directions, hierarchy, hop_diameter
from medsuite.gridml.mesh import Mesh


def test_each_edge_appears_once_in_each_direction(star_mesh):
    directed = both_directions(star_mesh.edges)
    pairs = {tuple(pair) for pair in directed.T.tolist()}
    assert len(pairs) == directed.shape[1] == 2 * len(star_mesh.edges)
    assert {(j, i) for i, j in pairs} == pairs
    assert all(i != j for i, j in pairs)


def test_levels_are_shortest_paths_in_hops(star_mesh):
    matrix = adjacency(star_mesh.edges, star_mesh.node_count)
    expected = shortest_path(matrix, unweighted=True, indices=3)
    np.testing.assert_array_equal(bfs_levels(matrix, 3), expected)
    assert hop_diameter(star_mesh) <= shortest_path(matrix, unweighted=True).max()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_bistride_keeps_at_most_half_stays_connected_and_leaves_no_node_far_from_a_kept_one(seed):
    generator = np.random.default_rng(seed)
    mesh = triangulate(random_star(generator), 0.25, generator)
    step = bistride(mesh.edges, mesh.points)
    assert 0 < len(step.kept) <= mesh.node_count / 2 + 1
    coarse = adjacency(step.edges, len(step.kept))
    assert connected_components(coarse, directed=False)[0] == 1
    hops = shortest_path(adjacency(mesh.edges, mesh.node_count), unweighted=True)
    assert hops[:, step.kept].min(axis=1).max() <= 1
    between = hops[np.ix_(step.kept, step.kept)]
    np.testing.assert_array_equal(coarse.toarray() > 0, (between > 0) & (between <= 2))


def test_pooling_is_the_mean_over_a_node_and_its_neighbours(star_mesh):
    step = bistride(star_mesh.edges, star_mesh.points)
    pooled = step.pooling @ star_mesh.points
    neighbours = adjacency(star_mesh.edges, star_mesh.node_count).toarray() > 0
    for row, node in enumerate(step.kept):
        around = np.append(np.flatnonzero(neighbours[node]), node)
        np.testing.assert_allclose(pooled[row], star_mesh.points[around].mean(axis=0))


def test_a_path_of_nodes_keeps_every_other_one():
    positions = np.stack([np.arange(7.0), np.zeros(7)], axis=1)
    step = bistride(np.stack([np.arange(6), np.arange(1, 7)], axis=1), positions)
    assert step.kept.tolist() == [1, 3, 5]
    assert step.edges.tolist() == [[0, 1], [1, 2]]


def test_a_hierarchy_stops_where_no_edge_is_left(star_mesh):
    steps = hierarchy(star_mesh, 30)
    sizes = [len(step.kept) for step in steps]
    assert len(steps) < 30
    assert sizes == sorted(sizes, reverse=True)
    assert not len(steps[-1].edges)


def test_a_mesh_in_two_parts_keeps_both_on_every_level():
    generator = np.random.default_rng(1)
    one = triangulate(random_star(generator), 0.15, generator)
    two = Mesh(
        np.concatenate([one.points, one.points + 5.0]), np.concatenate([one.triangles, one.triangles + one.node_count])
    )
    assert two.report()["components"] == 2
    positions, edges = two.points, two.edges
    for step in hierarchy(two, 3):
        left = positions[step.kept][:, 0] < 2.5
        assert left.sum() == (~left).sum(), "the same choice on both sides"
        assert (left[step.edges[:, 0]] == left[step.edges[:, 1]]).all(), "no edge between the parts"
        positions, edges = positions[step.kept], step.edges
    assert len(edges)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_renumbering_the_nodes_renumbers_the_coarsening(seed):
    generator = np.random.default_rng(seed)
    mesh = triangulate(random_star(generator), 0.3, generator)
    order = generator.permutation(mesh.node_count)
    new = np.argsort(order)
    first, second = bistride(mesh.edges, mesh.points), bistride(new[mesh.edges], mesh.points[order])
    assert set(new[first.kept].tolist()) == set(second.kept.tolist())
