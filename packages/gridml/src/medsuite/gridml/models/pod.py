"""Proper orthogonal decomposition with the mass inner product, and a linear map between coefficients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError
from medsuite.gridml.case import Case
from medsuite.gridml.models.base import Budget, Need, require_needs

RIDGE = 1e-8


@dataclass(frozen=True, eq=False)
class Basis:
    """Modes that are orthonormal in the mass inner product: Φᵀ M Φ = I.

    Attributes:
        mean: Mean snapshot.
        modes: Φ, one column a mode.
        singular_values: Of M^{1/2} X, all of them, descending; X the centred snapshots. The squares beyond rank r sum
            to the squared projection error of the snapshots.
    """

    mean: Float[np.ndarray, " nodes"]
    modes: Float[np.ndarray, "nodes rank"]
    singular_values: Float[np.ndarray, " values"]

    def coefficients(
        self, fields: Float[np.ndarray, "cases nodes"], measure: Float[np.ndarray, " nodes"]
    ) -> Float[np.ndarray, "cases rank"]:
        """Project fields: Φᵀ M (u − mean)."""
        return ((fields - self.mean) * measure) @ self.modes


def pod(snapshots: Float[np.ndarray, "cases nodes"], measure: Float[np.ndarray, " nodes"], rank: int) -> Basis:
    """Compute the best basis of a rank for centred snapshots, in the norm of the lumped mass.

    Args:
        snapshots: One field a row, all on the same nodes.
        measure: Lumped mass.
        rank: Number of modes; cut to what the snapshots span.
    """
    mean, root = snapshots.mean(axis=0), np.sqrt(measure)
    left, singular, _ = np.linalg.svd(((snapshots - mean) * root).T, full_matrices=False)
    kept = min(rank, int(np.sum(singular > 1e-12 * max(singular[0], 1e-300))))
    return Basis(mean, left[:, :kept] / root[:, None], singular)


@dataclass(frozen=True)
class Pod:
    """POD of the solutions and of each input, ridge regression from input to solution coefficients.

    It is indexed by nodes: all cases must have the same mesh, and a case on any other mesh is refused.

    Attributes:
        rank: Modes of the solution and of each input.
    """

    name: ClassVar[str] = "pod"
    needs: ClassVar[frozenset[Need]] = frozenset({"solved cases", "one mesh"})

    rank: int = 40

    def fit(self, cases: Sequence[Case], budget: Budget, seed: int) -> "PodSurrogate":
        """Fit in closed form; the budget and the seed have no influence."""
        require_needs(self.name, self.needs, cases)
        measure, names = cases[0].mesh.measure, tuple(sorted(cases[0].inputs))
        output = pod(np.stack([case.target for case in cases if case.target is not None]), measure, self.rank)
        inputs = [pod(np.stack([case.inputs[name] for case in cases]), measure, self.rank) for name in names]
        design = _design(cases, names, inputs, measure)
        answers = output.coefficients(np.stack([case.target for case in cases if case.target is not None]), measure)
        gram = design.T @ design
        penalty = RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
        return PodSurrogate(
            self,
            cases[0].mesh.fingerprint,
            names,
            measure,
            inputs,
            output,
            np.linalg.solve(gram + penalty, design.T @ answers),
        )


def _design(
    cases: Sequence[Case], names: Sequence[str], inputs: Sequence[Basis], measure: Float[np.ndarray, " nodes"]
) -> Float[np.ndarray, "cases columns"]:
    columns = [
        basis.coefficients(np.stack([case.inputs[name] for case in cases]), measure)
        for name, basis in zip(names, inputs, strict=True)
    ]
    return np.concatenate([*columns, np.ones((len(cases), 1))], axis=1)


@dataclass(frozen=True, eq=False)
class PodSurrogate:
    """A fitted reduced model."""

    family: Pod
    fingerprint: str
    names: tuple[str, ...]
    measure: Float[np.ndarray, " nodes"]
    inputs: Sequence[Basis]
    output: Basis
    weights: Float[np.ndarray, "columns rank"]

    def predict(self, case: Case) -> Float[np.ndarray, " nodes"]:
        """Return the solution at the nodes of the mesh that the model was fitted on.

        Raises:
            InputError: Another mesh, or other inputs than in training.
        """
        if case.mesh.fingerprint != self.fingerprint:
            raise InputError(
                f"pod is indexed by the nodes of one mesh; {case.name} has another one",
                expected="the mesh of the training cases",
                fix="use meshgraphnet, transolver, grid-unet or deeponet",
            )
        if set(case.inputs) != set(self.names):
            raise InputError(
                f"{case.name} has inputs {sorted(case.inputs)}", expected=f"{list(self.names)} as in training"
            )
        coefficients = _design([case], self.names, self.inputs, self.measure) @ self.weights
        return self.output.mean + self.output.modes @ coefficients[0]

    def arrays(self) -> Mapping[str, Float[np.ndarray, "..."]]:
        """Return everything as arrays, to be stored."""
        stored = {"measure": self.measure, "weights": self.weights, **_basis_arrays("output", self.output)}
        for name, basis in zip(self.names, self.inputs, strict=True):
            stored.update(_basis_arrays(f"input.{name}", basis))
        return stored


def _basis_arrays(prefix: str, basis: Basis) -> dict[str, np.ndarray]:
    parts = {"mean": basis.mean, "modes": basis.modes, "singular": basis.singular_values}
    return {f"{prefix}.{name}": np.ascontiguousarray(values) for name, values in parts.items()}


def _basis(prefix: str, arrays: Mapping[str, np.ndarray]) -> Basis:
    return Basis(*(arrays[f"{prefix}.{part}"] for part in ("mean", "modes", "singular")))


def from_arrays(family: Pod, fingerprint: str, names: Sequence[str], arrays: Mapping[str, np.ndarray]) -> PodSurrogate:
    """Rebuild a surrogate from what `PodSurrogate.arrays` returned."""
    inputs = [_basis(f"input.{name}", arrays) for name in names]
    return PodSurrogate(
        family, fingerprint, tuple(names), arrays["measure"], inputs, _basis("output", arrays), arrays["weights"]
    )
