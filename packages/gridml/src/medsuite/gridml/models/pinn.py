"""Physics-informed network with hard boundary data: fitted to one problem's equation, without any solved case.

Two objectives: the strong residual ‖−∇·(a∇u) − f‖² (Raissi et al. 2019), and the energy ∫ ½ a|∇u|² − f u (Deep Ritz,
E and Yu 2018) with the quadrature of the mesh. Both see u = g + d(x)·û(x), which holds the boundary value g whatever
the weights.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from medsuite.core.errors import InputError, unknown_name
from medsuite.gridml.case import Case
from medsuite.gridml.mesh import Mesh
from medsuite.gridml.models.base import Budget, Need, require_needs

COLLINEAR = 1e-9
EXPONENT = 2.0


def boundary_function(
    segments: Float[np.ndarray, "segments 2 2"], points: Float[Tensor, "points 2"]
) -> Float[Tensor, " points"]:
    """Return a smooth function that is zero exactly on a closed polygon and positive inside.

    d = (Σ_i φ_i^{−p})^{−1/p}, p = 2, with φ_i² = f² + ((t² + f²)^{1/2} − t)²/4 for the signed distance f to the line
    of segment i and t = (L²/4 − |x − midpoint|²)/L (Sukumar and Srivastava, arXiv 2104.08426, section 3).
    """
    start, end = (torch.as_tensor(segments[:, side], dtype=points.dtype) for side in (0, 1))
    along = end - start
    length = along.norm(dim=1)
    offset = points[:, None] - start
    signed = (offset[..., 0] * along[:, 1] - offset[..., 1] * along[:, 0]) / length
    trimmed = (length**2 / 4 - ((points[:, None] - 0.5 * (start + end)) ** 2).sum(dim=-1)) / length
    rounded = torch.sqrt(trimmed**2 + signed**4)
    each = torch.sqrt(signed**2 + ((rounded - trimmed) / 2) ** 2)
    return (each**-EXPONENT).sum(dim=1) ** (-1.0 / EXPONENT)


def straight_sides(mesh: Mesh) -> Float[np.ndarray, "sides 2 2"]:
    """Return the boundary as segments, with neighbouring facets on one line joined."""
    following = _successors(mesh)
    corners = []
    for node, (before, after) in following.items():
        into, out = mesh.points[node] - mesh.points[before], mesh.points[after] - mesh.points[node]
        turn = into[0] * out[1] - into[1] * out[0]
        if abs(turn) > COLLINEAR * np.linalg.norm(into) * np.linalg.norm(out):
            corners.append(node)
    sides, marked = [], set(corners)
    for corner in corners:
        end = following[corner][1]
        while end not in marked:
            end = following[end][1]
        sides.append(mesh.points[[corner, end]])
    return np.stack(sides)


def _successors(mesh: Mesh) -> dict[int, tuple[int, int]]:
    """Return the node before and after each boundary node, with the domain on the left."""
    sides = np.concatenate([mesh.triangles[:, [0, 1]], mesh.triangles[:, [1, 2]], mesh.triangles[:, [2, 0]]])
    outer = {tuple(pair) for pair in mesh.boundary_facets.tolist()}
    after = {start: end for start, end in sides.tolist() if (min(start, end), max(start, end)) in outer}
    before = {end: start for start, end in after.items()}
    return {node: (before[node], after[node]) for node in after}


@dataclass(frozen=True, eq=False)
class Collocation:
    """What the objectives need at quadrature points: coefficients, and the boundary function with its derivatives.

    Attributes:
        points: Three in each cell, exact for quadratics.
        weight: Quadrature weights over the area of the domain.
        diffusivity: a.
        slope: ∇a.
        source: f.
        distance: d.
        distance_gradient: ∇d.
        distance_laplacian: ∆d.
    """

    points: Float[Tensor, "points 2"]
    weight: Float[Tensor, " points"]
    diffusivity: Float[Tensor, " points"]
    slope: Float[Tensor, "points 2"]
    source: Float[Tensor, " points"]
    distance: Float[Tensor, " points"]
    distance_gradient: Float[Tensor, "points 2"]
    distance_laplacian: Float[Tensor, " points"]


CORNER_WEIGHTS = np.array([[4, 1, 1], [1, 4, 1], [1, 1, 4]]) / 6.0


def collocate(case: Case) -> Collocation:
    """Take three points in each cell, and the case's nodal `a` and `f` as P1 functions."""
    mesh = case.mesh
    corners = mesh.points[mesh.triangles]
    diffusivity = case.inputs.get("a", np.ones(mesh.node_count))[mesh.triangles]
    differences = (diffusivity[:, 1:] - diffusivity[:, :1])[..., None]
    slope = np.linalg.solve(corners[:, 1:] - corners[:, :1], differences)[..., 0]
    points = torch.from_numpy(np.einsum("qk,ckd->cqd", CORNER_WEIGHTS, corners).reshape(-1, 2)).requires_grad_(True)
    distance = boundary_function(straight_sides(mesh), points)
    gradient, laplacian = derivatives(distance, points, keep=False)
    arrays = (
        np.repeat(mesh.areas / mesh.areas.sum() / 3, 3),
        (diffusivity @ CORNER_WEIGHTS.T).ravel(),
        np.repeat(slope, 3, axis=0),
        (case.inputs["f"][mesh.triangles] @ CORNER_WEIGHTS.T).ravel(),
    )
    weight, values, slopes, source = (torch.from_numpy(array) for array in arrays)
    return Collocation(points.detach(), weight, values, slopes, source, distance.detach(), gradient, laplacian)


def derivatives(
    values: Float[Tensor, " points"], points: Float[Tensor, "points 2"], *, keep: bool
) -> tuple[Float[Tensor, "points 2"], Float[Tensor, " points"]]:
    """Return gradient and Laplacian by automatic differentiation; `keep` where weights are fitted through them."""
    gradient = torch.autograd.grad(values.sum(), points, create_graph=True)[0]
    laplacian = torch.zeros_like(values)
    for axis in (0, 1):
        second = torch.autograd.grad(gradient[:, axis].sum(), points, create_graph=keep, retain_graph=True)[0]
        laplacian = laplacian + second[:, axis]
    return (gradient, laplacian) if keep else (gradient.detach(), laplacian.detach())


class HardBoundaryNetwork(nn.Module):
    """u(x) = g + d(x) û(x), û a tanh perceptron in double precision."""

    def __init__(self, width: int, layers: int, boundary_value: float, sides: Float[np.ndarray, "sides 2 2"]) -> None:
        super().__init__()
        widths = [2] + [width] * layers
        stack: list[nn.Module] = []
        for wide_in, wide_out in pairwise(widths):
            stack += [nn.Linear(wide_in, wide_out), nn.Tanh()]
        self.inner = nn.Sequential(*stack, nn.Linear(width, 1)).double()
        self.boundary_value, self.sides = boundary_value, sides

    def forward(self, points: Float[Tensor, "points 2"]) -> Float[Tensor, " points"]:
        """Return u at points."""
        return self.boundary_value + boundary_function(self.sides, points) * self.inner(points)[:, 0]


Inner = Callable[[Float[Tensor, "points 2"]], Float[Tensor, "points 1"]]


def residual(inner: Inner, at: Collocation) -> Float[Tensor, " points"]:
    """Return −a∆u − ∇a·∇u − f for u = g + d û, by the product rule: ∆u = d∆û + 2∇d·∇û + û∆d."""
    points = at.points.clone().requires_grad_(True)
    value = inner(points)[:, 0]
    gradient, laplacian = derivatives(value, points, keep=True)
    whole_gradient = at.distance[:, None] * gradient + value[:, None] * at.distance_gradient
    whole_laplacian = (
        at.distance * laplacian + 2 * (at.distance_gradient * gradient).sum(dim=1) + value * at.distance_laplacian
    )
    return -at.diffusivity * whole_laplacian - (at.slope * whole_gradient).sum(dim=1) - at.source


def squared_residual(inner: Inner, at: Collocation) -> Float[Tensor, ""]:
    """Return the mean over the domain of the squared residual."""
    return (at.weight * residual(inner, at) ** 2).sum()


def ritz_energy(inner: Inner, at: Collocation) -> Float[Tensor, ""]:
    """Return the mean over the domain of ½ a|∇u|² − f (u − g)."""
    points = at.points.clone().requires_grad_(True)
    value = inner(points)[:, 0]
    gradient = torch.autograd.grad(value.sum(), points, create_graph=True)[0]
    whole_gradient = at.distance[:, None] * gradient + value[:, None] * at.distance_gradient
    density = 0.5 * at.diffusivity * (whole_gradient**2).sum(dim=1) - at.source * at.distance * value
    return (at.weight * density).sum()


OBJECTIVES = {"energy": ritz_energy, "residual": squared_residual}


@dataclass(frozen=True)
class Pinn:
    """A physics-informed network: `fit` needs no cases, `predict` fits a network to the case's equation.

    Attributes:
        objective: `"energy"` needs first derivatives only and tolerates the many corners of a curved boundary's
            polygon; `"residual"` is the classical one, for domains of few straight sides.
        width: Of the perceptron.
        layers: Hidden layers.
        iterations: L-BFGS iterations for each case.
    """

    name: ClassVar[str] = "pinn"
    needs: ClassVar[frozenset[Need]] = frozenset({"dirichlet boundary"})

    objective: str = "energy"
    width: int = 32
    layers: int = 3
    iterations: int = 300

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise unknown_name("objective of pinn", self.objective, OBJECTIVES)

    def fit(self, cases: Sequence[Case], budget: Budget, seed: int) -> "PinnSurrogate":
        """Return the surrogate; the work is in `predict`, and cases and budget have no influence."""
        return PinnSurrogate(self, seed)


@dataclass(frozen=True)
class PinnSurrogate:
    """A method rather than a model: each case is fitted from scratch."""

    family: Pinn
    seed: int

    def predict(self, case: Case) -> Float[np.ndarray, " nodes"]:
        """Fit u = g + d·û to the case by L-BFGS and return it at the nodes.

        Raises:
            InputError: The case has no `f`, or its boundary data are not one dirichlet value all around.
        """
        network = self.solve(case)
        with torch.no_grad():
            inside = network(torch.from_numpy(case.mesh.points)).numpy()
        return np.where(case.fixed, case.fixed_values, inside)

    def solve(self, case: Case) -> HardBoundaryNetwork:
        """Return the network fitted to a case."""
        network = self._fresh(case)
        at, objective = collocate(case), OBJECTIVES[self.family.objective]
        optimiser = torch.optim.LBFGS(
            network.parameters(),
            max_iter=self.family.iterations,
            history_size=50,
            tolerance_grad=1e-9,
            tolerance_change=1e-14,
            line_search_fn="strong_wolfe",
        )

        def closure() -> Tensor:
            optimiser.zero_grad()
            loss = objective(network.inner, at)
            loss.backward()
            return loss

        optimiser.step(closure)
        return network

    def _fresh(self, case: Case) -> HardBoundaryNetwork:
        require_needs(self.family.name, self.family.needs, [case])
        if "f" not in case.inputs:
            raise InputError(
                f"{case.name} has inputs {sorted(case.inputs)}", expected="a source 'f' (and a diffusivity 'a')"
            )
        values = case.fixed_values[case.fixed]
        if np.ptp(values) > 0:
            raise InputError(
                f"{case.name} prescribes values from {values.min()} to {values.max()}", expected="one value"
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return HardBoundaryNetwork(
                self.family.width, self.family.layers, float(values[0]), straight_sides(case.mesh)
            )
