"""Adaptive refinement: residual estimator, Dörfler marking, and the loop solve – estimate – mark – refine."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import skfem
from jaxtyping import Bool, Float

from medsuite.core.errors import InputError
from medsuite.gridml.mesh import Mesh, repair
from medsuite.gridml.solvers import fem
from medsuite.gridml.solvers.poisson import PoissonProblem, Solution, solve_poisson


@skfem.Functional
def _interior(w: Any) -> Any:
    # ∇·(a∇u) = ∇a·∇u inside a cell, u being linear there.
    return w.h**2 * (w.source + (w.slope * w.solution.grad).sum(axis=0)) ** 2


@skfem.Functional
def _jump(w: Any) -> Any:
    flux = w.diffusivity * ((w.one.grad - w.other.grad) * w.n).sum(axis=0)
    return 0.5 * w.h * flux**2


def residual_estimator(problem: PoissonProblem, solution: Solution) -> Float[np.ndarray, " cells"]:
    """Return η_T of each cell for a P1 solution of −∇·(a∇u) = f.

    η_T² = h_T² ‖f + ∇·(a∇u_h)‖²_T + ½ Σ_{e ⊂ ∂T} h_e ‖[a ∂_n u_h]‖²_e over interior sides e, h_T = √(2|T|), h_e = |e|.
    The sides of a neumann or robin boundary have no term here. Measured on the L-shape, u = r^(2/3) sin(2φ/3): √Σ η_T²
    is 2.9 to 3.1 times the error on uniform meshes, and rises from there to 3.7 on adapted ones of 5,500 nodes.

    Raises:
        InputError: The solution is not of P1 elements: inside a cell, ∇·(a∇u_h) would have another term.
    """
    basis = solution.basis
    if basis.elem.maxdeg != 1:
        raise InputError(f"a solution of degree {basis.elem.maxdeg}", expected="P1 elements (order 1)")
    interior = _interior.elemental(
        basis,
        source=fem.sampled(basis, problem.source),
        slope=_coefficient_gradient(basis, problem),
        solution=basis.interpolate(solution.dofs),
    )
    sides = [skfem.InteriorFacetBasis(basis.mesh, basis.elem, side=side, intorder=4) for side in (0, 1)]
    one, other = (side.interpolate(solution.dofs) for side in sides)
    jumps = _jump.elemental(sides[0], one=one, other=other, diffusivity=fem.sampled(sides[0], problem.diffusivity))
    total = np.asarray(interior, dtype=np.float64)
    for cells in basis.mesh.f2t[:, sides[0].find]:
        np.add.at(total, cells, jumps)
    return np.sqrt(total)


def _coefficient_gradient(basis: skfem.Basis, problem: PoissonProblem) -> Any:
    if isinstance(problem.diffusivity, float | int):
        return np.zeros_like(np.asarray(basis.global_coordinates()))
    nodal = problem.nodal(problem.diffusivity)
    return np.asarray(fem.field(basis.with_element(skfem.ElementTriP1()), nodal).grad)


def dorfler(indicators: Float[np.ndarray, " cells"], theta: float = 0.5) -> Bool[np.ndarray, " cells"]:
    """Mark the smallest set of cells with Σ_marked η² ≥ θ Σ η² (Dörfler 1996), none where η = 0; O(cells log cells).

    Raises:
        InputError: θ is not above 0 and at most 1, or an indicator is not finite.
    """
    if not 0.0 < theta <= 1.0:
        raise InputError(f"a marking fraction of {theta}", expected="a number above 0 and at most 1")
    if not np.isfinite(indicators).all():
        raise InputError(f"{np.sum(~np.isfinite(indicators))} error indicators are not finite")
    if not indicators.any():
        return np.zeros(len(indicators), dtype=bool)
    order = np.argsort(-indicators, kind="stable")
    cumulative = np.cumsum(indicators[order] ** 2)
    count = int(np.searchsorted(cumulative, theta * cumulative[-1] * (1 - 1e-14))) + 1
    marked = np.zeros(len(indicators), dtype=bool)
    marked[order[:count]] = True
    return marked


def refine(mesh: Mesh, marked: Bool[np.ndarray, " cells"]) -> Mesh:
    """Split marked cells into four and close the mesh by green and blue refinement (scikit-fem's red–green–blue)."""
    grid = skfem.MeshTri(mesh.points.T.copy(), mesh.triangles.T.copy(), sort_t=False)
    finer = grid.refined(np.flatnonzero(marked))
    return repair(finer.p.T, finer.t.T.astype(np.int64))


@dataclass(frozen=True, eq=False)
class AdaptiveStep:
    """One pass of the loop: the solution on a mesh and its estimated error in the energy norm."""

    problem: PoissonProblem
    solution: Solution
    indicators: Float[np.ndarray, " cells"]

    @property
    def estimate(self) -> float:
        """√Σ η_T²."""
        return float(np.linalg.norm(self.indicators))


def adapt(
    pose: Callable[[Mesh], PoissonProblem], mesh: Mesh, *, steps: int, theta: float = 0.5
) -> Iterator[AdaptiveStep]:
    """Yield solve – estimate – mark – refine passes, the first one on the given mesh.

    Args:
        pose: Puts the problem on any mesh of the domain.
        mesh: Where to begin.
        steps: Number of solutions.
        theta: See `dorfler`.
    """
    for step in range(steps):
        problem = pose(mesh)
        solution = solve_poisson(problem)
        indicators = residual_estimator(problem, solution)
        yield AdaptiveStep(problem, solution, indicators)
        if step + 1 < steps:
            mesh = refine(mesh, dorfler(indicators, theta))
