"""The hybrid: a surrogate's prediction as the start of conjugate gradients. The answer stays the solver's."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError
from medsuite.gridml.models.base import Surrogate
from medsuite.gridml.solvers.linear import conjugate_gradients
from medsuite.gridml.solvers.poisson import PoissonProblem, assemble


@dataclass(frozen=True, eq=False)
class GuidedSolution:
    """What the solver found from the learned start, and what the start saved.

    Attributes:
        nodal: Solution at the nodes, to the same tolerance as without a start.
        iterations: From the learned start.
        iterations_from_zero: From zero.
    """

    nodal: Float[np.ndarray, " nodes"]
    iterations: int
    iterations_from_zero: int

    @property
    def saved(self) -> float:
        """Share of the iterations that the learned start saves; negative where it costs some."""
        return 1.0 - self.iterations / self.iterations_from_zero


def solve_with_guess(problem: PoissonProblem, surrogate: Surrogate, tolerance: float = 1e-8) -> GuidedSolution:
    """Solve a P1 problem by conjugate gradients (Jacobi preconditioner) from a prediction and from zero.

    Both runs stop at ‖b − A u‖ ≤ tolerance·‖b‖.

    Raises:
        InputError: Zero already solves the problem, so that there is nothing to save.
    """
    system = assemble(problem)
    guess = surrogate.predict(problem.case())
    lifted = np.zeros(len(system.load))
    lifted[system.fixed] = system.values
    free = np.setdiff1d(np.arange(len(lifted)), system.fixed, assume_unique=True)
    matrix, vector = system.matrix[free][:, free], (system.load - system.matrix @ lifted)[free]
    if not vector.any():
        raise InputError("the problem's solution is zero on the free nodes", expected="a source or boundary data")
    guided = conjugate_gradients(matrix, vector, guess[free], tolerance)
    plain = conjugate_gradients(matrix, vector, np.zeros(len(free)), tolerance)
    lifted[free] = guided.values
    return GuidedSolution(lifted, guided.iterations, plain.iterations)
