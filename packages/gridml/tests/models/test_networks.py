"""What is particular to the other networks."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from medsuite.core.errors import InputError
from medsuite.gridml.models.batch import Extras, collate, encode
from medsuite.gridml.models.gridding import grid_points
from medsuite.gridml.models.multiscale import pool, unpool
from medsuite.gridml.models.network import relative_l2
from medsuite.gridml.models.normalise import Normaliser
from medsuite.gridml.models.registry import family
from medsuite.gridml.models.training import learning_rate_factor
from medsuite.gridml.models.transolver import PhysicsAttention
from medsuite.gridml.simulation import random_poisson


@pytest.fixture(scope="module")
def normaliser(cases):
    return Normaliser.of(cases)


@pytest.mark.parametrize("name", ["multiscale", "transolver", "grid-unet", "deeponet", "pointwise"])
def test_a_batch_is_its_cases_one_by_one(name, cases, normaliser):
    kind = family(name)
    singles = [encode(case, normaliser, kind.extras()) for case in cases]
    network = kind.prepare(normaliser, singles[0].features.shape[1], 0).network.eval()
    torch.testing.assert_close(
        network(collate(singles)), torch.cat([network(single) for single in singles]), atol=1e-5, rtol=1e-4
    )


def test_the_batch_mean_is_the_integral_over_each_case(cases, normaliser):
    batch = collate([encode(case, normaliser, Extras()) for case in cases])
    expected = [np.average(case.mesh.points, axis=0, weights=case.mesh.measure) for case in cases]
    points = torch.cat([torch.from_numpy(case.mesh.points).float() for case in cases])
    np.testing.assert_allclose(batch.mean(points), expected, atol=1e-6)


def test_padding_and_unpadding_is_the_identity(cases, normaliser):
    batch = collate([encode(case, normaliser, Extras()) for case in cases])
    padded = batch.padded(batch.features)
    assert padded.shape[:2] == (len(cases), max(batch.sizes))
    torch.testing.assert_close(batch.unpadded(padded), batch.features)


def test_features_weighted_by_area_have_mean_zero_and_deviation_one(cases, normaliser):
    features = np.concatenate([normaliser.features(case)[:, :2] for case in cases])
    weights = np.concatenate([case.mesh.measure for case in cases])
    np.testing.assert_allclose(np.average(features, axis=0, weights=weights), 0, atol=1e-10)
    np.testing.assert_allclose(np.average(features**2, axis=0, weights=weights), 1, atol=1e-10)


def test_pooling_and_unpooling_keep_a_constant(cases, normaliser):
    level = encode(cases[0], normaliser, Extras(levels=1)).levels[0]
    ones = torch.ones(cases[0].mesh.node_count, 3)
    torch.testing.assert_close(pool(level, ones), torch.ones(len(level.positions), 3))
    torch.testing.assert_close(unpool(level, pool(level, ones), len(ones)), ones)


def attention(slices=4):
    torch.manual_seed(0)
    return PhysicsAttention(8, 2, slices)


def slow_attention(layer, nodes, weight):
    """The equations of the paper, one head and one slice at a time."""
    heads = []
    for head in range(layer.heads):
        cut = slice(4 * head, 4 * head + 4)
        x, f = layer.to_slice_input(nodes)[:, cut], layer.to_value(nodes)[:, cut]
        w = torch.softmax(layer.to_slice(x) / layer.temperature[0, head, 0, 0], dim=1)
        z = torch.stack([(weight * w[:, g]) @ f / ((weight * w[:, g]).sum() + 1e-5) for g in range(w.shape[1])])
        scores = torch.softmax(layer.query(z) @ layer.key(z).T / 4**0.5, dim=1)
        heads.append(w @ (scores @ layer.value(z)))
    return layer.out(torch.cat(heads, dim=1))


def test_physics_attention_is_the_equations_of_the_paper():
    layer, nodes, weight = attention(), torch.randn(11, 8), torch.rand(11)
    torch.testing.assert_close(layer(nodes[None], weight[None])[0], slow_attention(layer, nodes, weight))
    torch.testing.assert_close(layer.slice_weights(nodes[None]).sum(dim=-1), torch.ones(1, 2, 11))


def test_with_one_slice_every_node_receives_the_same():
    received = attention(slices=1)(torch.randn(1, 9, 8), torch.ones(1, 9))
    torch.testing.assert_close(received, received[:, :1].expand_as(received))


def test_weighted_by_volume_a_node_may_be_split_into_two_of_half_the_volume():
    layer, nodes, weight = attention(), torch.randn(1, 6, 8), torch.rand(1, 6)
    doubled = torch.cat([nodes, nodes[:, :2]], dim=1)
    split = torch.cat([weight[:, :2] / 2, weight[:, 2:], weight[:, :2] / 2], dim=1)
    torch.testing.assert_close(layer(doubled, split)[:, :6], layer(nodes, weight))
    counted = layer(doubled, torch.ones(1, 8))[:, :6]
    assert not torch.allclose(counted, layer(nodes, torch.ones(1, 6)), atol=1e-4)


@pytest.mark.parametrize("encoding", ["geometric", "scatter"])
def test_only_the_geometric_encoding_ignores_a_refinement(encoding):
    generator = np.random.default_rng(2)
    problem = random_poisson(generator)
    coarse, fine = (problem.solved(problem.mesh(spacing, generator)) for spacing in (0.12, 0.06))
    normaliser = Normaliser.of([coarse])
    grids = [encode(case, normaliser, Extras(grid=16, encoding=encoding)).grid for case in (coarse, fine)]
    change = (grids[1] - grids[0]).abs().mean() / grids[0].abs().mean()
    assert change < 0.2 if encoding == "geometric" else change > 0.5


def test_a_domain_larger_than_the_frame_is_refused(cases, normaliser):
    mesh = cases[0].mesh
    larger = replace(cases[0], mesh=type(mesh)(3 * mesh.points, mesh.triangles))
    with pytest.raises(InputError, match="reaches out of the square"):
        encode(larger, normaliser, Extras(grid=16))


def test_pixel_centres_fill_the_frame_row_by_row():
    np.testing.assert_allclose(grid_points(2), [[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5], [0.5, 0.5]])


def test_the_loss_is_the_mean_relative_error_of_the_cases(cases, normaliser):
    batch = collate([encode(case, normaliser, Extras()) for case in cases])
    assert relative_l2(batch, 1.25 * batch.target).item() == pytest.approx(0.25, rel=1e-4)
    assert relative_l2(batch, torch.zeros_like(batch.target)).item() == pytest.approx(1.0, rel=1e-4)


def test_the_learning_rate_rises_and_falls_to_zero():
    factors = [learning_rate_factor(step, 100) for step in range(101)]
    assert factors[4] == 1.0
    assert factors[100] == pytest.approx(0.0)
    assert factors[0] < 1.0
    assert (np.diff(factors[5:]) < 0).all()


def test_pooling_is_a_matrix_and_unpooling_its_transpose_with_rows_that_sum_to_one(cases, normaliser):
    level = encode(cases[0], normaliser, Extras(levels=1)).levels[0]
    finer, coarser = cases[0].mesh.node_count, len(level.positions)
    matrix = torch.zeros(coarser, finer)
    matrix[tuple(level.pooling)] = level.weights
    generator = torch.Generator().manual_seed(0)
    fine, coarse = torch.randn(finer, 3, generator=generator), torch.randn(coarser, 3, generator=generator)
    torch.testing.assert_close(pool(level, fine), matrix @ fine)
    weight = matrix.T.sum(dim=1, keepdim=True)
    assert weight.min() > 0, "no fine node is left without a coarse one"
    torch.testing.assert_close(unpool(level, coarse, finer), matrix.T @ coarse / weight)


def with_twins(batch, count):
    """The batch with its first nodes standing there twice, each twin with half of the measure."""
    parts = {
        name: torch.cat([getattr(batch, name), getattr(batch, name)[:count]])
        for name in ("positions", "features", "measure", "case", "fixed", "fixed_values", "target")
    }
    parts["measure"][:count] /= 2
    parts["measure"][-count:] /= 2
    return replace(batch, **parts, sizes=(batch.sizes[0] + count,))


@pytest.mark.parametrize(
    ("name", "settings"), [("deeponet", {}), ("transolver", {}), ("transolver", {"measure": "count"})]
)
def test_a_node_that_is_split_in_two_changes_nothing_where_integrals_are_taken(cases, normaliser, name, settings):
    kind = family(name, **settings)
    batch = encode(cases[0], normaliser, kind.extras())
    network = kind.prepare(normaliser, batch.features.shape[1], 0).network.eval()
    count = cases[0].mesh.node_count // 3
    same = torch.allclose(network(with_twins(batch, count))[: batch.sizes[0]], network(batch), atol=1e-5)
    assert same == (settings.get("measure") != "count")
