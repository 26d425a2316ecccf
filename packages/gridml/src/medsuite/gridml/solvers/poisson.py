"""Poisson and Darcy problems −∇·(a∇u) = f with dirichlet, neumann and robin data, by P1 or P2 elements."""

from dataclasses import dataclass

import numpy as np
import skfem
from jaxtyping import Float
from scipy.sparse import csr_array

from medsuite.core.errors import InputError
from medsuite.gridml.case import BoundaryTag, Case
from medsuite.gridml.mesh import Mesh
from medsuite.gridml.solvers import fem
from medsuite.gridml.solvers.linear import direct


@dataclass(frozen=True, eq=False)
class PoissonProblem:
    """−∇·(a∇u) = f on a mesh.

    Attributes:
        mesh: Where it is posed.
        source: f: a number, a nodal field or a function of coordinates.
        boundary: Typed boundary data; dirichlet, neumann or robin.
        diffusivity: a > 0, in the same forms; zero where the problem degenerates.

    Raises:
        InputError: A boundary kind that has no meaning here, no condition that makes the solution unique, or a
            diffusivity that is negative or not finite at a node.
    """

    mesh: Mesh
    source: fem.Coefficient
    boundary: tuple[BoundaryTag, ...]
    diffusivity: fem.Coefficient = 1.0

    def __post_init__(self) -> None:
        fem.require_solvable(self.boundary)
        values = self.nodal(self.diffusivity)
        wrong = ~((values >= 0) & np.isfinite(values))
        if wrong.any():
            raise InputError(
                f"a diffusivity of {values[wrong][0]:g} at {np.sum(wrong)} nodes", expected="positive numbers"
            )

    def nodal(self, coefficient: fem.Coefficient) -> Float[np.ndarray, " nodes"]:
        """Sample one of the problem's coefficients at the nodes."""
        values = coefficient(self.mesh.points.T) if callable(coefficient) else coefficient
        return np.broadcast_to(np.asarray(values, dtype=np.float64), self.mesh.node_count).copy()

    def case(self, target: Float[np.ndarray, " nodes"] | None = None, name: str = "case") -> Case:
        """Return the same problem as learning methods see it: inputs `f` and `a` at the nodes."""
        inputs = {"a": self.nodal(self.diffusivity), "f": self.nodal(self.source)}
        return Case(self.mesh, inputs, self.boundary, target, name)


@dataclass(frozen=True, eq=False)
class Solution:
    """A finite element function.

    Attributes:
        basis: Its space (scikit-fem); the first degrees of freedom are the nodes.
        dofs: Its degrees of freedom.
    """

    basis: skfem.Basis
    dofs: Float[np.ndarray, " dofs"]

    @property
    def nodal(self) -> Float[np.ndarray, " nodes"]:
        """Values at the nodes of the mesh."""
        return self.dofs[self.basis.nodal_dofs[0]]


@dataclass(frozen=True, eq=False)
class System:
    """An assembled problem A u = b with u given on some degrees of freedom."""

    basis: skfem.Basis
    matrix: csr_array
    load: Float[np.ndarray, " dofs"]
    fixed: np.ndarray
    values: Float[np.ndarray, " fixed"]


def assemble(problem: PoissonProblem, order: fem.Order = 1) -> System:
    """Assemble stiffness, load and boundary terms in the Lagrange space of an order."""
    basis = fem.space(problem.mesh, order)
    exchange, flux = fem.natural_terms(basis, problem.mesh, problem.boundary)
    fixed, values = fem.dirichlet_values(basis, problem.mesh, problem.boundary)
    matrix = fem.stiffness(basis, problem.diffusivity) + exchange
    return System(basis, csr_array(matrix), fem.load(basis, problem.source) + flux, fixed, values)


def solve_poisson(problem: PoissonProblem, order: fem.Order = 1, linear_solver: fem.LinearSolver = direct) -> Solution:
    """Solve −∇·(a∇u) = f. Measured orders in L2 / H1: P1 2 / 1, P2 3 / 2 (smooth solutions, polygonal domains).

    Args:
        problem: What to solve.
        order: Polynomial order of the elements.
        linear_solver: How to solve the symmetric positive definite system; see `solvers.linear`.
    """
    system = assemble(problem, order)
    dofs = fem.solve_constrained(system.matrix, system.load, system.fixed, system.values, linear_solver)
    return Solution(system.basis, dofs)
