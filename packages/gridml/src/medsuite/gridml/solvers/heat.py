"""The heat equation ∂u/∂t − ∇·(a∇u) = f by Crank–Nicolson in time and P1 or P2 elements in space."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import skfem
from jaxtyping import Float
from scipy.sparse import csc_array, csr_array
from scipy.sparse.linalg import splu

from medsuite.core.errors import InputError
from medsuite.gridml.case import PointFunction
from medsuite.gridml.solvers import fem
from medsuite.gridml.solvers.poisson import PoissonProblem, assemble

DAMPING_STEPS = 4  # backward Euler half steps that replace the first two steps (Rannacher 1984)


@dataclass(frozen=True, eq=False)
class HeatSolution:
    """A solution at equally spaced times.

    Attributes:
        basis: Space of the solution (scikit-fem).
        times: From 0 to the end, one more than there are steps.
        dofs: Degrees of freedom at each time; the first columns are the nodes.
    """

    basis: skfem.Basis
    times: Float[np.ndarray, " times"]
    dofs: Float[np.ndarray, "times dofs"]


def solve_heat(
    problem: PoissonProblem, initial: PointFunction, *, duration: float, steps: int, order: fem.Order = 1
) -> HeatSolution:
    """Integrate from an initial function; coefficients, source and boundary data do not depend on time.

    M (u⁺ − u)/Δt + A (u⁺ + u)/2 = b, with four backward Euler half steps in place of the first two steps, which damp
    what an initial value that does not fit the boundary data excites. Measured order in time: 2.

    Raises:
        InputError: Fewer than three steps or no duration.
    """
    if steps < 3 or duration <= 0:
        raise InputError(
            f"{steps} steps over a duration of {duration}", expected="at least 3 steps and a duration above 0"
        )
    system = assemble(problem, order)
    state = np.asarray(initial(system.basis.doflocs), dtype=np.float64)
    state[system.fixed] = system.values
    free = np.setdiff1d(np.arange(len(state)), system.fixed, assume_unique=True)
    stepper = _Stepper(fem.mass(system.basis), system.matrix, system.load, free)
    history = [state, *stepper.march(state, duration / steps, steps)]
    return HeatSolution(system.basis, np.linspace(0.0, duration, steps + 1), np.stack(history))


@dataclass(frozen=True, eq=False)
class _Stepper:
    mass: csr_array
    stiffness: csr_array
    load: Float[np.ndarray, " dofs"]
    free: np.ndarray

    def march(self, state: Float[np.ndarray, " dofs"], step: float, steps: int) -> Iterator[Float[np.ndarray, " dofs"]]:
        """Yield the state after each step."""
        # Half a step of backward Euler and a whole step of Crank-Nicolson have the same matrix M + (Δt/2) A.
        factor = splu(csc_array((self.mass + 0.5 * step * self.stiffness)[self.free][:, self.free]))
        for half in range(DAMPING_STEPS):
            change = 0.5 * step * (self.load - self.stiffness @ state)
            state = self._advance(state, factor.solve(change[self.free]))
            if half % 2:
                yield state
        for _ in range(steps - DAMPING_STEPS // 2):
            change = step * (self.load - self.stiffness @ state)
            state = self._advance(state, factor.solve(change[self.free]))
            yield state

    def _advance(self, state: Float[np.ndarray, " dofs"], change: np.ndarray) -> Float[np.ndarray, " dofs"]:
        advanced = state.copy()
        advanced[self.free] += change
        return advanced
