import numpy as np
import pytest
import torch
from torch import nn

from medsuite.gridml.domains import random_star, triangulate
from medsuite.gridml.models.batch import Extras, encode
from medsuite.gridml.models.flow import FlowMatching, FlowSurrogate, MaternNoise, flow_loss
from medsuite.gridml.models.normalise import Normaliser


def test_the_noise_has_variance_one_away_from_the_boundary_whatever_the_mesh():
    generator = np.random.default_rng(0)
    domain = random_star(generator)
    for spacing in (0.07, 0.035):
        mesh = triangulate(domain, spacing, generator)
        draws = MaternNoise(mesh, kappa=5.0).draw(generator, 2000)
        centre = np.hypot(*mesh.points.T) < 0.2
        assert np.mean(draws[:, centre] ** 2) == pytest.approx(1.0, rel=0.1)


class Constant(nn.Module):
    """The velocity of a flow from noise to one known field: (u − x_t)/(1 − t)."""

    def __init__(self, target):
        super().__init__()
        self.target = target

    def forward(self, batch):
        state, time = batch.features[:, -2], batch.features[:, -1]
        target = self.target.repeat(len(batch.sizes))
        return (target - state) / (1 - time).clamp_min(1e-3)


def test_the_loss_of_the_true_velocity_is_zero_and_that_of_zero_velocity_is_not(cases):
    batch = encode(cases[0], Normaliser.of(cases), Extras())
    noise = torch.randn(len(batch.case), generator=torch.Generator().manual_seed(0))
    loss = flow_loss(Constant(batch.target), batch, noise, np.random.default_rng(0))
    assert loss.item() < 1e-6

    class Still(nn.Module):
        def forward(self, batch):
            return torch.zeros(len(batch.case))

    assert flow_loss(Still(), batch, noise, np.random.default_rng(0)).item() > 0.1


def test_integrating_the_true_velocity_ends_at_the_target(cases):
    normaliser = Normaliser.of(cases)
    target = encode(cases[0], normaliser, Extras()).target
    surrogate = FlowSurrogate(FlowMatching(samples=3, steps=40), Constant(target), normaliser, seed=0)
    np.testing.assert_allclose(surrogate.predict(cases[0]), cases[0].target, atol=0.1 * np.abs(cases[0].target).max())
    draws = surrogate.sample(cases[0], 3, np.random.default_rng(0))
    assert draws.shape == (3, cases[0].mesh.node_count)
