"""Families that are networks: they differ in the network and in what it needs of a case, and in nothing else."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from medsuite.gridml.case import Case
from medsuite.gridml.models.base import Budget, Need, require_needs
from medsuite.gridml.models.batch import Extras, FieldBatch, collate, encode
from medsuite.gridml.models.normalise import Normaliser
from medsuite.gridml.models.training import train


def relative_l2(batch: FieldBatch, predicted: Float[Tensor, " nodes"]) -> Float[Tensor, ""]:
    """Return the mean over cases of ‖û − u‖ / ‖u‖, weighted by the lumped mass."""
    error = batch.mean(((predicted - batch.target) ** 2)[:, None])
    size = batch.mean((batch.target**2)[:, None])
    return torch.sqrt(error / size.clamp_min(1e-12) + 1e-12).mean()


@dataclass(frozen=True)
class NetworkFamily(ABC):
    """A network from a case to nodal values; dirichlet data are put on the fixed nodes exactly.

    A family defines `build` and `extras`; fitting and predicting are the same for all.
    """

    name: ClassVar[str]
    needs: ClassVar[frozenset[Need]] = frozenset({"solved cases"})

    @abstractmethod
    def build(self, features: int, edge_length: float) -> nn.Module:
        """Return the network with fresh weights; the mean edge length is in units of the frame."""

    @abstractmethod
    def extras(self) -> Extras:
        """Say what the network needs of a case besides nodes and edges."""

    def prepare(self, normaliser: Normaliser, features: int, seed: int) -> "NetworkSurrogate":
        """Return a surrogate whose weights are drawn from the seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = self.build(features, normaliser.edge_length / normaliser.half_width)
        return NetworkSurrogate(self, network, normaliser)

    def fit(self, cases: Sequence[Case], budget: Budget, seed: int) -> "NetworkSurrogate":
        """Fit to solved cases with the relative L2 loss."""
        require_needs(self.name, self.needs, cases)
        normaliser = Normaliser.of(cases)
        samples = [encode(case, normaliser, self.extras()) for case in cases]
        surrogate = self.prepare(normaliser, samples[0].features.shape[1], seed)

        def loss(indices: Sequence[int], _: np.random.Generator) -> Tensor:
            batch = collate([samples[index] for index in indices])
            return relative_l2(batch, batch.constrained(surrogate.network(batch)))

        train(surrogate.network, loss, len(cases), budget, seed)
        return surrogate


@dataclass(frozen=True, eq=False)
class NetworkSurrogate:
    """A fitted network with the scaling of its training cases."""

    family: NetworkFamily
    network: nn.Module
    normaliser: Normaliser

    def predict(self, case: Case) -> Float[np.ndarray, " nodes"]:
        """Return the solution at the nodes; everything from the raw case on happens here."""
        batch = encode(case, self.normaliser, self.family.extras())
        self.network.eval()
        with torch.inference_mode():
            values = batch.constrained(self.network(batch))
        return values.double().numpy() * self.normaliser.target_scale

    def arrays(self) -> Mapping[str, Float[np.ndarray, "..."]]:
        """Return weights and scaling as arrays, to be stored."""
        weights = {f"network.{name}": value.numpy() for name, value in self.network.state_dict().items()}
        scaling = {f"normaliser.{name}": value for name, value in self.normaliser.arrays().items()}
        return {**weights, **scaling}
