"""Machine learning surrogates on unstructured grids, measured against the solver."""

from typing import TYPE_CHECKING

from medsuite.core.lazy import lazy_names

if TYPE_CHECKING:
    from medsuite.gridml.case import BoundaryTag, Case, whole_boundary
    from medsuite.gridml.cost import CostPoint, cases_to_pay_off, time_ratio
    from medsuite.gridml.domains import StarDomain, random_star, triangulate
    from medsuite.gridml.hybrid import solve_with_guess
    from medsuite.gridml.io.meshgraphnets import read_trajectories
    from medsuite.gridml.io.vtu import read_case, read_mesh, write_case
    from medsuite.gridml.mesh import Mesh, MeshError, repair
    from medsuite.gridml.models.base import Budget, Family, Surrogate
    from medsuite.gridml.models.registry import family
    from medsuite.gridml.norms import relative_errors
    from medsuite.gridml.refinement import adapt, dorfler, residual_estimator
    from medsuite.gridml.simulation import simulate
    from medsuite.gridml.solvers.heat import solve_heat
    from medsuite.gridml.solvers.poisson import PoissonProblem, solve_poisson
    from medsuite.gridml.store import load_surrogate, save_surrogate
    from medsuite.gridml.transfer import interpolate

_HOMES = {
    "refinement": ("adapt", "dorfler", "residual_estimator"),
    "case": ("BoundaryTag", "Case", "whole_boundary"),
    "cost": ("CostPoint", "cases_to_pay_off", "time_ratio"),
    "domains": ("StarDomain", "random_star", "triangulate"),
    "hybrid": ("solve_with_guess",),
    "io.meshgraphnets": ("read_trajectories",),
    "io.vtu": ("read_case", "read_mesh", "write_case"),
    "mesh": ("Mesh", "MeshError", "repair"),
    "models.base": ("Budget", "Family", "Surrogate"),
    "models.registry": ("family",),
    "norms": ("relative_errors",),
    "simulation": ("simulate",),
    "solvers.heat": ("solve_heat",),
    "solvers.poisson": ("PoissonProblem", "solve_poisson"),
    "store": ("load_surrogate", "save_surrogate"),
    "transfer": ("interpolate",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "BoundaryTag",
    "Budget",
    "Case",
    "CostPoint",
    "Family",
    "Mesh",
    "MeshError",
    "PoissonProblem",
    "StarDomain",
    "Surrogate",
    "adapt",
    "cases_to_pay_off",
    "dorfler",
    "family",
    "interpolate",
    "load_surrogate",
    "random_star",
    "read_case",
    "read_mesh",
    "read_trajectories",
    "relative_errors",
    "repair",
    "residual_estimator",
    "save_surrogate",
    "simulate",
    "solve_heat",
    "solve_poisson",
    "solve_with_guess",
    "time_ratio",
    "triangulate",
    "whole_boundary",
    "write_case",
]

__getattr__, __dir__ = lazy_names(__name__, _HOME_OF)
