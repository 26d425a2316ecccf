"""What all finite element solvers share: spaces, sampled coefficients and boundary terms, by scikit-fem."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import skfem
from jaxtyping import Float, Int
from scipy.sparse import csr_array
from skfem.helpers import dot, grad

from medsuite.core.errors import InputError
from medsuite.gridml.case import BoundaryTag, PointFunction
from medsuite.gridml.mesh import Mesh

Order = Literal[1, 2]
Coefficient = float | np.ndarray | PointFunction
ELEMENTS = {1: skfem.ElementTriP1, 2: skfem.ElementTriP2}

SOLVABLE = ("dirichlet", "neumann", "robin")


@skfem.BilinearForm
def _diffusion(u: Any, v: Any, w: Any) -> Any:
    return w.coefficient * dot(grad(u), grad(v))


@skfem.BilinearForm
def _mass(u: Any, v: Any, w: Any) -> Any:
    return w.coefficient * u * v


@skfem.LinearForm
def _load(v: Any, w: Any) -> Any:
    return w.coefficient * v


def space(mesh: Mesh, order: Order = 1, quadrature: int | None = None) -> skfem.Basis:
    """Return the Lagrange space of an order on a mesh; its first degrees of freedom are the nodes."""
    grid = skfem.MeshTri(mesh.points.T.copy(), mesh.triangles.T.copy(), sort_t=False)
    return skfem.Basis(grid, ELEMENTS[order](), intorder=quadrature or 2 * order + 1)


def stiffness(basis: skfem.Basis, diffusivity: Coefficient = 1.0) -> csr_array:
    """Assemble ∫ a ∇u·∇v; for P1 and a = 1 this is the cotangent Laplacian."""
    return csr_array(_diffusion.assemble(basis, coefficient=sampled(basis, diffusivity)))


def mass(basis: skfem.Basis) -> csr_array:
    """Assemble ∫ u v; its entries sum to the area."""
    return csr_array(_mass.assemble(basis, coefficient=1.0))


def load(basis: skfem.Basis, source: Coefficient) -> Float[np.ndarray, " dofs"]:
    """Assemble ∫ f v."""
    return _load.assemble(basis, coefficient=sampled(basis, source))


def field(basis: Any, dofs: Float[np.ndarray, " dofs"]) -> Any:
    """Return a scalar function at the quadrature points, with `.grad` (scikit-fem's discrete field)."""
    return basis.interpolate(dofs)


def sampled(basis: Any, coefficient: Coefficient) -> Any:
    """Evaluate a number, a nodal field (as its P1 interpolant) or a function at the quadrature points."""
    if callable(coefficient):
        return np.asarray(coefficient(np.asarray(basis.global_coordinates())))
    if isinstance(coefficient, np.ndarray):
        linear = basis.with_element(skfem.ElementTriP1())
        return np.asarray(linear.interpolate(coefficient))
    return coefficient


def require_solvable(boundary: Sequence[BoundaryTag]) -> None:
    """Refuse boundary data that a scalar elliptic solver cannot use.

    Raises:
        InputError: A kind without meaning here, or no condition that makes the solution unique.
    """
    for tag in boundary:
        if tag.kind not in SOLVABLE:
            raise InputError(
                f"boundary {tag.name!r} is of kind {tag.kind!r}",
                expected=f"one of {', '.join(SOLVABLE)} for this solver",
            )
    if not any(tag.kind == "dirichlet" or (tag.kind == "robin" and tag.rate > 0) for tag in boundary):
        raise InputError("no dirichlet or robin boundary: the solution is not unique", fix="prescribe u on some facets")


def natural_terms(
    basis: skfem.Basis, mesh: Mesh, boundary: Sequence[BoundaryTag]
) -> tuple[csr_array, Float[np.ndarray, " dofs"]]:
    """Assemble what neumann and robin tags add: rate·∫_Γ u v to the matrix and ∫_Γ value·v to the load."""
    matrix, vector = csr_array((basis.N, basis.N)), np.zeros(basis.N)
    for tag in boundary:
        if tag.kind not in ("neumann", "robin") or not len(tag.facets):
            continue
        side = basis.boundary(facet_indices(basis, mesh, tag))
        vector += _load.assemble(side, coefficient=_facet_values(side, tag))
        matrix += csr_array(_mass.assemble(side, coefficient=tag.rate))
    return matrix, vector


def facet_indices(basis: skfem.Basis, mesh: Mesh, tag: BoundaryTag) -> Int[np.ndarray, " facets"]:
    """Translate a tag's facets to scikit-fem's numbering of facets."""
    weights = np.array([mesh.node_count, 1])
    keys = weights @ np.sort(basis.mesh.facets, axis=0)
    wanted = np.sort(mesh.boundary_facets[tag.facets], axis=1) @ weights
    order = np.argsort(keys)
    return order[np.searchsorted(keys, wanted, sorter=order)].astype(np.int64)


def _facet_values(side: Any, tag: BoundaryTag) -> Any:
    if isinstance(tag.value, np.ndarray):
        return np.repeat(tag.value[:, None], side.X.shape[-1], axis=1)
    return sampled(side, tag.value)


def dirichlet_values(
    basis: skfem.Basis, mesh: Mesh, boundary: Sequence[BoundaryTag]
) -> tuple[Int[np.ndarray, " fixed"], Float[np.ndarray, " fixed"]]:
    """Return the constrained degrees of freedom, ascending, and the values that they take."""
    values, count = np.zeros(basis.N), np.zeros(basis.N)
    for tag in boundary:
        if tag.kind != "dirichlet" or not len(tag.facets):
            continue
        facets = facet_indices(basis, mesh, tag)
        for dofs, per_facet in _facet_dofs(basis, facets):
            np.add.at(values, dofs, _prescribed(basis, tag, dofs, per_facet))
            np.add.at(count, dofs, 1.0)
    fixed = np.flatnonzero(count)
    return fixed, values[fixed] / count[fixed]


def _facet_dofs(basis: skfem.Basis, facets: Int[np.ndarray, " facets"]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return pairs (degrees of freedom, position of their facet in `facets`): both ends, then the midpoints."""
    everyone = np.arange(len(facets))
    groups = [(basis.nodal_dofs[0, basis.mesh.facets[end, facets]], everyone) for end in (0, 1)]
    if basis.facet_dofs.size:
        groups.append((basis.facet_dofs[0, facets], everyone))
    return groups


def _prescribed(basis: skfem.Basis, tag: BoundaryTag, dofs: np.ndarray, per_facet: np.ndarray) -> np.ndarray:
    if callable(tag.value):
        return np.asarray(tag.value(basis.doflocs[:, dofs]))
    return np.broadcast_to(np.asarray(tag.value, dtype=np.float64), len(per_facet))


LinearSolver = Callable[[csr_array, Float[np.ndarray, " unknowns"]], Float[np.ndarray, " unknowns"]]


def solve_constrained(
    matrix: csr_array,
    vector: Float[np.ndarray, " dofs"],
    fixed: Int[np.ndarray, " fixed"],
    values: Float[np.ndarray, " fixed"],
    linear_solver: LinearSolver,
) -> Float[np.ndarray, " dofs"]:
    """Solve A u = b with u given on the fixed degrees of freedom, by eliminating them."""
    solution = np.zeros(len(vector))
    solution[fixed] = values
    free = np.setdiff1d(np.arange(len(vector)), fixed, assume_unique=True)
    remainder = (vector - matrix @ solution)[free]
    solution[free] = linear_solver(matrix[free][:, free], remainder)
    return solution
