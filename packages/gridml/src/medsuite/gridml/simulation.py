"""Embedded data: Poisson and Darcy problems on random star-shaped domains, solved by the package's own solver."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError, unknown_name
from medsuite.gridml.case import Case, PointFunction, whole_boundary
from medsuite.gridml.domains import StarDomain, random_star, triangulate
from medsuite.gridml.mesh import Mesh

WAVES = 3
SPACING = 0.115  # about 300 nodes


@dataclass(frozen=True, eq=False)
class PlaneWaves:
    """f(x) = Σ_j c_j sin(k_j · x + φ_j).

    Attributes:
        wavevectors: k_j.
        phases: φ_j.
        amplitudes: c_j.
    """

    wavevectors: Float[np.ndarray, "waves 2"]
    phases: Float[np.ndarray, " waves"]
    amplitudes: Float[np.ndarray, " waves"]

    def __call__(self, points: Float[np.ndarray, "2 *points"]) -> Float[np.ndarray, "*points"]:
        """Evaluate at coordinates whose first axis is x, y."""
        angle = np.tensordot(self.wavevectors, points, axes=1)
        shape = (-1,) + (1,) * (points.ndim - 1)
        return (self.amplitudes.reshape(shape) * np.sin(angle + self.phases.reshape(shape))).sum(axis=0)


@dataclass(frozen=True, eq=False)
class Exponential:
    """a(x) = exp(g(x)), a positive diffusivity."""

    exponent: PlaneWaves

    def __call__(self, points: Float[np.ndarray, "2 *points"]) -> Float[np.ndarray, "*points"]:
        """Evaluate at coordinates whose first axis is x, y."""
        return np.exp(self.exponent(points))


def random_waves(generator: np.random.Generator, amplitude: float = 1.0) -> PlaneWaves:
    """Draw three waves: |k| ~ U(1, 5), any direction and phase, c ~ N(0, amplitude²)."""
    length, angle = generator.uniform(1.0, 5.0, WAVES), generator.uniform(0.0, 2 * np.pi, WAVES)
    wavevectors = length[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return PlaneWaves(wavevectors, generator.uniform(0, 2 * np.pi, WAVES), generator.normal(0.0, amplitude, WAVES))


@dataclass(frozen=True, eq=False)
class Continuous:
    """A problem before any mesh: −∇·(a∇u) = f in a domain, u = 0 on its boundary."""

    domain: StarDomain
    source: PlaneWaves
    diffusivity: "float | PointFunction" = 1.0

    def mesh(self, spacing: float, generator: np.random.Generator) -> Mesh:
        """Triangulate the domain."""
        return triangulate(self.domain, spacing, generator)

    def problem(self, mesh: Mesh) -> Any:
        """Pose the problem on a mesh; returns a `solvers.poisson.PoissonProblem`."""
        from medsuite.gridml.solvers.poisson import PoissonProblem

        return PoissonProblem(mesh, self.source, whole_boundary(mesh, "dirichlet"), self.diffusivity)

    def solved(self, mesh: Mesh, name: str = "case") -> Case:
        """Return the case on a mesh with the P1 solution as its target."""
        from medsuite.gridml.solvers.poisson import solve_poisson

        problem = self.problem(mesh)
        return problem.case(solve_poisson(problem).nodal, name)


def random_poisson(generator: np.random.Generator) -> Continuous:
    """Draw −Δu = f on a random star-shaped domain."""
    return Continuous(random_star(generator), random_waves(generator))


def random_darcy(generator: np.random.Generator) -> Continuous:
    """Draw −∇·(a∇u) = f, a = exp(three waves of amplitude 0.4), on a random star-shaped domain."""
    return Continuous(random_star(generator), random_waves(generator), Exponential(random_waves(generator, 0.4)))


PROBLEMS: Mapping[str, Callable[[np.random.Generator], Continuous]] = {"poisson": random_poisson, "darcy": random_darcy}


def simulate(problem: str, *, cases: int, seed: int, spacing: float = SPACING) -> list[Case]:
    """Draw and solve problems, each on a domain and mesh of its own.

    Args:
        problem: `"poisson"` or `"darcy"`.
        cases: How many.
        seed: Fixes all of them; case i does not depend on how many follow.
        spacing: Distance of neighbouring nodes; the domains have radius one.

    Raises:
        InputError: An unknown problem or fewer than one case.
    """
    if problem not in PROBLEMS:
        raise unknown_name("problem", problem, PROBLEMS)
    if cases < 1:
        raise InputError(f"{cases} cases", expected="at least 1")
    solved = []
    for index in range(cases):
        generator = np.random.default_rng([seed, index])
        continuous = PROBLEMS[problem](generator)
        solved.append(continuous.solved(continuous.mesh(spacing, generator), f"{problem}-{index:04d}"))
    return solved
