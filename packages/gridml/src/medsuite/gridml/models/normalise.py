"""Scaling of what networks see, taken from the training cases only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import KDTree

from medsuite.core.errors import InputError
from medsuite.gridml.case import Case
from medsuite.gridml.geometry import nearest_segment

FRAME_MARGIN = 1.3  # of the training cases' bounding box


@dataclass(frozen=True, eq=False)
class Normaliser:
    """Means and scales of a set of cases, weighted by area so that they do not depend on where nodes are dense.

    Attributes:
        names: Inputs, sorted.
        means: Of each input.
        scales: Standard deviation of each input; one for a constant input.
        target_scale: Root mean square of the solution.
        centre: Centre of the frame.
        half_width: Half the side of the square frame that holds all training cases with a margin.
        edge_length: Mean edge length.
    """

    names: tuple[str, ...]
    means: Float[np.ndarray, " inputs"]
    scales: Float[np.ndarray, " inputs"]
    target_scale: float
    centre: Float[np.ndarray, " 2"]
    half_width: float
    edge_length: float

    @classmethod
    def of(cls, cases: Sequence[Case]) -> "Normaliser":
        """Take means and scales from solved cases."""
        names = tuple(sorted(cases[0].inputs))
        weights = np.concatenate([case.mesh.measure for case in cases])
        inputs = np.concatenate([np.stack([case.inputs[name] for name in names], axis=1) for case in cases])
        targets = np.concatenate([case.target for case in cases if case.target is not None])
        means = np.average(inputs, axis=0, weights=weights)
        deviations = np.sqrt(np.average((inputs - means) ** 2, axis=0, weights=weights))
        low = np.min([case.mesh.points.min(axis=0) for case in cases], axis=0)
        high = np.max([case.mesh.points.max(axis=0) for case in cases], axis=0)
        return cls(
            names,
            means,
            np.where(deviations > 1e-8 * np.maximum(np.abs(means), 1.0), deviations, 1.0),
            float(np.sqrt(np.average(targets**2, weights=weights))) or 1.0,
            0.5 * (low + high),
            float(FRAME_MARGIN * 0.5 * (high - low).max()),
            float(np.mean([mean_edge_length(case) for case in cases])),
        )

    def positions(self, points: Float[np.ndarray, "nodes 2"]) -> Float[np.ndarray, "nodes 2"]:
        """Map coordinates to the frame, which is [−1, 1]²."""
        return (points - self.centre) / self.half_width

    def features(self, case: Case) -> Float[np.ndarray, "nodes features"]:
        """Return standardised inputs, then what the boundary data say at each node.

        That is the distance to the dirichlet part of the boundary, the distance to the rest of it, and the prescribed
        value at the nearest dirichlet node: fields of the problem, where one-hot node types would be fields of the
        mesh (their mean over a case halves when the mesh is refined once).

        Raises:
            InputError: The case has other inputs than the training cases.
        """
        if set(case.inputs) != set(self.names):
            raise InputError(
                f"{case.name} has inputs {sorted(case.inputs)}", expected=f"{list(self.names)} as in training"
            )
        inputs = (np.stack([case.inputs[name] for name in self.names], axis=1) - self.means) / self.scales
        boundary = [_boundary_distance(case, part) / self.half_width for part in _boundary_parts(case)]
        extended = _extended_values(case) / self.target_scale
        return np.concatenate([inputs, np.stack([*boundary, extended], axis=1)], axis=1)

    def arrays(self) -> Mapping[str, Float[np.ndarray, "..."]]:
        """Return all numbers as arrays, to be stored; see `from_arrays`."""
        scalars = np.array([self.target_scale, self.half_width, self.edge_length])
        return {"means": self.means, "scales": self.scales, "centre": self.centre, "scalars": scalars}

    @classmethod
    def from_arrays(cls, names: Sequence[str], arrays: Mapping[str, Float[np.ndarray, "..."]]) -> "Normaliser":
        """Rebuild from the names of the inputs and what `arrays` returned."""
        target_scale, half_width, edge_length = (float(value) for value in arrays["scalars"])
        return cls(
            tuple(names), arrays["means"], arrays["scales"], target_scale, arrays["centre"], half_width, edge_length
        )


def mean_edge_length(case: Case) -> float:
    """Return the mean length of a mesh's edges."""
    ends = case.mesh.points[case.mesh.edges]
    return float(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1).mean())


def _boundary_parts(case: Case) -> tuple[Int[np.ndarray, "dirichlet 2"], Int[np.ndarray, "natural 2"]]:
    """Return the boundary facets with prescribed values, and the others."""
    fixed = np.zeros(len(case.mesh.boundary_facets), dtype=bool)
    for tag in case.boundary:
        fixed[tag.facets] = tag.kind == "dirichlet"
    return case.mesh.boundary_facets[fixed], case.mesh.boundary_facets[~fixed]


def _boundary_distance(case: Case, facets: Int[np.ndarray, "facets 2"]) -> Float[np.ndarray, " nodes"]:
    """Return the distance to some facets; the diameter of the bounding box where there is none."""
    if not len(facets):
        return np.full(case.mesh.node_count, float(np.linalg.norm(np.ptp(case.mesh.points, axis=0))))
    return nearest_segment(case.mesh.points[facets], case.mesh.points)[0]


def _extended_values(case: Case) -> Float[np.ndarray, " nodes"]:
    """Return the prescribed value at the fixed node nearest to each node; zero where none is fixed."""
    fixed = np.flatnonzero(case.fixed)
    if not len(fixed):
        return np.zeros(case.mesh.node_count)
    nearest = KDTree(case.mesh.points[fixed]).query(case.mesh.points)[1]
    return case.fixed_values[fixed[nearest]]
