"""The one interface of all families: a frozen configuration fits cases and returns something that predicts a case."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError
from medsuite.gridml.case import Case

Need = Literal["solved cases", "one mesh", "dirichlet boundary"]


@dataclass(frozen=True)
class Budget:
    """How much training a family gets.

    Attributes:
        steps: Optimiser steps; the learning rate falls to zero over them along a half cosine.
        batch: Cases in each step.
        learning_rate: Its peak, for AdamW.
    """

    steps: int = 1000
    batch: int = 4
    learning_rate: float = 2e-3

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1 or self.learning_rate <= 0:
            raise InputError(f"{self}", expected="at least one step, one case in a batch and a learning rate above 0")


@runtime_checkable
class Surrogate(Protocol):
    """A fitted model: from a case without its solution to nodal values on the case's mesh."""

    def predict(self, case: Case) -> Float[np.ndarray, " nodes"]:
        """Return the solution at the nodes.

        Raises:
            InputError: The case has other inputs than the training cases, or a mesh that the family cannot take.
        """


@runtime_checkable
class Family(Protocol):
    """A kind of model with its hyperparameters, not yet fitted."""

    name: ClassVar[str]
    needs: ClassVar[frozenset[Need]]

    def fit(self, cases: Sequence[Case], budget: Budget, seed: int) -> Surrogate:
        """Fit to solved cases; the seed fixes initial weights and the order of the cases.

        Raises:
            InputError: The cases do not give what the family needs.
        """


def require_needs(name: str, needs: frozenset[Need], cases: Sequence[Case]) -> None:
    """Refuse, before any training, cases that do not give what a family needs.

    Raises:
        InputError: No case, unsolved cases, cases with different inputs, several meshes where one is needed, or a
            boundary without dirichlet data where the family enforces them.
    """
    if "solved cases" in needs:
        _require_solved(name, cases)
    if "one mesh" in needs:
        meshes = {case.mesh.fingerprint for case in cases}
        if len(meshes) > 1:
            raise InputError(
                f"{name} is indexed by nodes and was given {len(meshes)} meshes",
                expected="one mesh for all cases",
                fix="use meshgraphnet, transolver, grid-unet or deeponet",
            )
    if "dirichlet boundary" in needs:
        for case in cases:
            if not case.fixed[case.mesh.on_boundary].all():
                raise InputError(f"{name} needs dirichlet data on the whole boundary; {case.name} has other kinds")


def _require_solved(name: str, cases: Sequence[Case]) -> None:
    if not cases:
        raise InputError(f"no case to fit {name} to", expected="at least one solved case")
    for case in cases:
        if case.target is None:
            raise InputError(f"{case.name} has no target", expected=f"solved cases to fit {name} to")
        if set(case.inputs) != set(cases[0].inputs):
            raise InputError(
                f"{case.name} has inputs {sorted(case.inputs)}", expected=f"{sorted(cases[0].inputs)} as in the others"
            )


def relative_error(case: Case, predicted: Float[np.ndarray, " nodes"]) -> float:
    """Return ‖û − u‖ / ‖u‖ with the lumped mass: the error that families are compared by on one mesh.

    Raises:
        InputError: The case has no target.
    """
    if case.target is None:
        raise InputError(f"{case.name} has no target to compare with")
    weights = case.mesh.measure
    return float(np.sqrt(weights @ (predicted - case.target) ** 2 / (weights @ case.target**2)))
