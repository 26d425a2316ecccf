"""Norms of finite element functions: what an error is measured against decides what it says."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import skfem
from jaxtyping import Float
from scipy.sparse import csr_array

from medsuite.gridml.case import PointFunction
from medsuite.gridml.mesh import Mesh
from medsuite.gridml.solvers import fem
from medsuite.gridml.solvers.fem import field

ROUNDING = 1e-14


@skfem.Functional
def _squared(w: Any) -> Any:
    return (w.exact - w.value) ** 2


@skfem.Functional
def _squared_gradient(w: Any) -> Any:
    return ((w.exact - w.gradient) ** 2).sum(axis=0)


def l2(mesh: Mesh, values: Float[np.ndarray, " nodes"]) -> float:
    """Return ‖v‖ in L2(Ω) of the P1 function with these nodal values: √(vᵀ M v), M the mass matrix."""
    return float(np.sqrt(values @ (fem.mass(fem.space(mesh)) @ values)))


def h1(mesh: Mesh, values: Float[np.ndarray, " nodes"]) -> float:
    """Return the semi-norm ‖∇v‖ in L2(Ω): √(vᵀ K v), K the stiffness matrix."""
    return float(np.sqrt(values @ (fem.stiffness(fem.space(mesh)) @ values)))


def energy(mesh: Mesh, values: Float[np.ndarray, " nodes"], diffusivity: fem.Coefficient) -> float:
    """Return √∫ a|∇v|²."""
    return float(np.sqrt(values @ (fem.stiffness(fem.space(mesh), diffusivity) @ values)))


def relative_errors(
    mesh: Mesh, predicted: Float[np.ndarray, " nodes"], target: Float[np.ndarray, " nodes"]
) -> Mapping[str, float]:
    """Return the error of nodal values against the nodal interpolant of the label, relative in each norm.

    `node_legacy` is √Σ(û−u)² / √Σu² over nodes, as most published tables have it: on a graded mesh it is the error
    where the nodes are, not the error in the domain. A label that is zero gives NaN, and so does a constant one in H1.
    """
    basis, difference = fem.space(mesh), predicted - target
    mass_matrix, stiffness_matrix = fem.mass(basis), fem.stiffness(basis)
    pairs = {
        "l2": (difference @ (mass_matrix @ difference), target @ (mass_matrix @ target)),
        "h1": (difference @ (stiffness_matrix @ difference), _without_rounding(stiffness_matrix, target)),
        "linf": (np.abs(difference).max() ** 2, np.abs(target).max() ** 2),
        "node_legacy": (difference @ difference, target @ target),
    }
    return {name: float(np.sqrt(error / size)) if size > 0 else float("nan") for name, (error, size) in pairs.items()}


def _without_rounding(matrix: csr_array, values: Float[np.ndarray, " nodes"]) -> float:
    """Return vᵀ A v, or zero where it is no more than what rounding leaves of a sum that cancels."""
    found, size = values @ (matrix @ values), np.abs(values) @ (abs(matrix) @ np.abs(values))
    return float(found) if found > ROUNDING * size else 0.0


def l2_error(basis: skfem.Basis, dofs: Float[np.ndarray, " dofs"], exact: PointFunction) -> float:
    """Return ‖u_h − u‖ in L2(Ω) against a function, by quadrature two orders above the space."""
    fine = _finer(basis)
    reference = np.asarray(exact(np.asarray(fine.global_coordinates())))
    return float(np.sqrt(_squared.assemble(fine, exact=reference, value=np.asarray(fine.interpolate(dofs)))))


def h1_error(basis: skfem.Basis, dofs: Float[np.ndarray, " dofs"], gradient: PointFunction) -> float:
    """Return ‖∇u_h − ∇u‖ in L2(Ω) against a gradient whose first axis is x, y."""
    fine = _finer(basis)
    reference = np.asarray(gradient(np.asarray(fine.global_coordinates())))
    approximate = np.asarray(field(fine, dofs).grad)
    return float(np.sqrt(_squared_gradient.assemble(fine, exact=reference, gradient=approximate)))


def _finer(basis: skfem.Basis) -> skfem.Basis:
    return skfem.Basis(basis.mesh, basis.elem, intorder=2 * basis.elem.maxdeg + 4)
