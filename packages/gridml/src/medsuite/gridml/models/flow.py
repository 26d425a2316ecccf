"""Flow matching on mesh fields: a distribution of solutions instead of one, from noise that no refinement changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse import csc_array, diags_array
from scipy.sparse.linalg import splu
from torch import Tensor, nn

from medsuite.gridml.case import Case
from medsuite.gridml.mesh import Mesh
from medsuite.gridml.models.base import Budget, Need, require_needs
from medsuite.gridml.models.batch import Extras, FieldBatch, collate, encode
from medsuite.gridml.models.normalise import Normaliser
from medsuite.gridml.models.training import train
from medsuite.gridml.models.transolver import Transolver
from medsuite.gridml.solvers import fem

KAPPA = 3.0


@dataclass(frozen=True, eq=False)
class MaternNoise:
    """Gaussian fields with covariance (κ²M + K)⁻¹ M (κ²M + K)⁻¹, scaled to variance one in an unbounded plane.

    The finite element solution of (κ² − ∆) ε = white noise (Lindgren, Rue and Lindström 2011), a Matérn field of
    smoothness one with variance 1/(4πκ²) before scaling. Its L2 norm does not depend on the mesh; that of independent
    nodal noise does.
    """

    mesh: Mesh
    kappa: float = KAPPA

    @cached_property
    def _factor(self) -> Any:
        stiffness = fem.stiffness(fem.space(self.mesh))
        return splu(csc_array(self.kappa**2 * diags_array(self.mesh.measure) + stiffness))

    def draw(self, generator: np.random.Generator, count: int) -> Float[np.ndarray, "count nodes"]:
        """Draw independent fields at the nodes."""
        white = generator.standard_normal((self.mesh.node_count, count)) * np.sqrt(self.mesh.measure)[:, None]
        return self._factor.solve(white).T * np.sqrt(4 * np.pi) * self.kappa


def with_state(batch: FieldBatch, state: Float[Tensor, " nodes"], time: Float[Tensor, " nodes"]) -> FieldBatch:
    """Return the batch with the noisy field and its time as further features."""
    return replace(batch, features=torch.cat([batch.features, state[:, None], time[:, None]], dim=1))


@dataclass(frozen=True)
class FlowMatching:
    """Conditional flow matching (arXiv 2210.02747) with a Transolver as velocity.

    x_t = (1 − t) ε + t u, target velocity u − ε, loss weighted by the lumped mass, ε Matérn noise.

    Attributes:
        backbone: The network.
        samples: Draws that a prediction is the mean of.
        steps: Heun steps of the integration from noise to solution.
    """

    name: ClassVar[str] = "flow-matching"
    needs: ClassVar[frozenset[Need]] = frozenset({"solved cases"})

    backbone: Transolver = field(default_factory=Transolver)
    samples: int = 8
    steps: int = 8

    def prepare(self, normaliser: Normaliser, features: int, seed: int) -> "FlowSurrogate":
        """Return a surrogate whose weights are drawn from the seed."""
        return FlowSurrogate(self, self.backbone.prepare(normaliser, features + 2, seed).network, normaliser, seed)

    def fit(self, cases: Sequence[Case], budget: Budget, seed: int) -> "FlowSurrogate":
        """Fit the velocity."""
        require_needs(self.name, self.needs, cases)
        normaliser = Normaliser.of(cases)
        encoded = [encode(case, normaliser, Extras()) for case in cases]
        noises = [MaternNoise(case.mesh) for case in cases]
        surrogate = self.prepare(normaliser, encoded[0].features.shape[1], seed)

        def loss(indices: Sequence[int], generator: np.random.Generator) -> Tensor:
            batch = collate([encoded[index] for index in indices])
            noise = np.concatenate([noises[index].draw(generator, 1)[0] for index in indices])
            return flow_loss(surrogate.network, batch, torch.from_numpy(noise).float(), generator)

        train(surrogate.network, loss, len(cases), budget, seed)
        return surrogate


def flow_loss(
    network: nn.Module, batch: FieldBatch, noise: Float[Tensor, " nodes"], generator: np.random.Generator
) -> Float[Tensor, ""]:
    """Return the mean over cases of ∫ (v(x_t, t) − (u − ε))², with one time a case, uniform in [0, 1]."""
    noise = torch.where(batch.fixed, torch.zeros_like(noise), noise)
    time = torch.from_numpy(generator.uniform(size=len(batch.sizes))).float()[batch.case]
    state = (1 - time) * noise + time * batch.target
    error = network(with_state(batch, state, time)) - (batch.target - noise)
    return batch.mean(torch.where(batch.fixed, torch.zeros_like(error), error)[:, None] ** 2).mean()


@dataclass(frozen=True, eq=False)
class FlowSurrogate:
    """A fitted flow."""

    family: FlowMatching
    network: nn.Module
    normaliser: Normaliser
    seed: int

    def predict(self, case: Case) -> Float[np.ndarray, " nodes"]:
        """Return the mean of the family's number of samples, the same at each call."""
        return self.sample(case, self.family.samples, np.random.default_rng(self.seed)).mean(axis=0)

    def sample(self, case: Case, count: int, generator: np.random.Generator) -> Float[np.ndarray, "count nodes"]:
        """Draw solutions by integrating dx/dt = v(x, t) from noise with Heun's method."""
        single = encode(case, self.normaliser, Extras())
        batch = collate([single] * count)
        noise = torch.from_numpy(MaternNoise(case.mesh).draw(generator, count).reshape(-1)).float()
        state, step = batch.constrained(noise), 1.0 / self.family.steps
        self.network.eval()
        with torch.inference_mode():
            for index in range(self.family.steps):
                first = self._velocity(batch, state, index * step)
                second = self._velocity(batch, batch.constrained(state + step * first), (index + 1) * step)
                state = batch.constrained(state + 0.5 * step * (first + second))
        return state.view(count, -1).double().numpy() * self.normaliser.target_scale

    def _velocity(self, batch: FieldBatch, state: Float[Tensor, " nodes"], time: float) -> Float[Tensor, " nodes"]:
        return self.network(with_state(batch, state, torch.full_like(state, time)))

    def arrays(self) -> Mapping[str, Float[np.ndarray, "..."]]:
        """Return weights and scaling as arrays, to be stored."""
        weights = {f"network.{name}": value.numpy() for name, value in self.network.state_dict().items()}
        return {**weights, **{f"normaliser.{name}": value for name, value in self.normaliser.arrays().items()}}
