"""Linear solvers for symmetric positive definite systems: a sparse factorisation, multigrid and conjugate gradients."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.sparse import csc_array, csr_array, diags_array
from scipy.sparse.linalg import cg, splu

from medsuite.core.errors import InputError

TOLERANCE = 1e-10


def direct(matrix: csr_array, vector: Float[np.ndarray, " unknowns"]) -> Float[np.ndarray, " unknowns"]:
    """Solve by SuperLU with the ordering for symmetric patterns."""
    factor = splu(csc_array(matrix), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}, diag_pivot_thresh=0.0)
    return factor.solve(vector)


def algebraic_multigrid(matrix: csr_array, vector: Float[np.ndarray, " unknowns"]) -> Float[np.ndarray, " unknowns"]:
    """Solve by conjugate gradients with smoothed aggregation multigrid (pyamg), to a relative residual of 1e-10."""
    import pyamg
    from scipy.sparse import csr_matrix

    hierarchy = pyamg.smoothed_aggregation_solver(csr_matrix(matrix), max_coarse=50)
    return hierarchy.solve(vector, tol=TOLERANCE, accel="cg")


@dataclass(frozen=True, eq=False)
class IterativeSolution:
    """What conjugate gradients found and how many iterations it took."""

    values: Float[np.ndarray, " unknowns"]
    iterations: int


def conjugate_gradients(
    matrix: csr_array,
    vector: Float[np.ndarray, " unknowns"],
    start: Float[np.ndarray, " unknowns"],
    tolerance: float = 1e-8,
) -> IterativeSolution:
    """Solve by conjugate gradients with the Jacobi preconditioner from a given start.

    The stopping rule ‖b − A u‖ ≤ tolerance·‖b‖ does not depend on the start, so that a better start saves iterations
    and changes nothing else.

    Raises:
        InputError: No convergence within ten times the number of unknowns.
    """
    count = 0

    def note(_: np.ndarray) -> None:
        nonlocal count
        count += 1

    preconditioner = diags_array(1.0 / matrix.diagonal())
    values, failed = cg(matrix, vector, x0=start, rtol=tolerance, atol=0.0, M=preconditioner, callback=note)
    if failed:
        raise InputError(
            f"conjugate gradients did not converge in {count} iterations", expected="a positive definite matrix"
        )
    return IterativeSolution(values, count)
