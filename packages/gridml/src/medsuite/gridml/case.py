"""One problem for every method: a mesh, nodal inputs, typed boundary data and, where it is known, the solution."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from medsuite.core.errors import InputError, unknown_name
from medsuite.gridml.mesh import Mesh

BOUNDARY_KINDS = ("dirichlet", "neumann", "robin", "inflow", "outflow", "wall", "unknown")

PointFunction = Callable[[Float[np.ndarray, "2 *points"]], Float[np.ndarray, "*points"]]


@dataclass(frozen=True, eq=False)
class BoundaryTag:
    """Boundary data on a set of facets.

    Attributes:
        name: What the user calls this part, such as `"inlet"`.
        kind: One of `BOUNDARY_KINDS`: u = value (dirichlet), a ∂u/∂n = value (neumann), a ∂u/∂n + rate·u = value
            (robin).
        facets: Indices into `Mesh.boundary_facets`.
        value: One number, one number a facet, or a function of coordinates (first axis x, y).
        rate: Transfer coefficient of a robin condition.
    """

    name: str
    kind: str
    facets: Int[np.ndarray, " facets"]
    value: "float | Float[np.ndarray, ' values'] | PointFunction" = 0.0
    rate: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in BOUNDARY_KINDS:
            raise unknown_name("boundary kind", self.kind, BOUNDARY_KINDS)
        if isinstance(self.value, np.ndarray) and self.value.shape != self.facets.shape:
            raise InputError(
                f"boundary {self.name!r} has {self.value.size} values",
                expected=f"one for each of {len(self.facets)} facets",
            )


def whole_boundary(mesh: Mesh, kind: str, value: float | PointFunction = 0.0) -> tuple[BoundaryTag]:
    """Return one tag that covers the mesh's boundary."""
    return (BoundaryTag("boundary", kind, np.arange(len(mesh.boundary_facets)), value),)


@dataclass(frozen=True, eq=False)
class Case:
    """A steady problem on a mesh.

    Attributes:
        mesh: Where it is posed.
        inputs: Nodal coefficient fields by name, such as `{"f": ..., "a": ...}`.
        boundary: Tags that cover each boundary facet exactly once.
        target: Nodal solution, or None where it is to be predicted.
        name: What to call it in a table.

    Raises:
        InputError: A field has another length than the mesh or is not finite, or a facet has no tag or two.
    """

    mesh: Mesh
    inputs: Mapping[str, Float[np.ndarray, " nodes"]]
    boundary: tuple[BoundaryTag, ...]
    target: Float[np.ndarray, " nodes"] | None = None
    name: str = "case"

    def __post_init__(self) -> None:
        fields = dict(self.inputs) if self.target is None else {**self.inputs, "target": self.target}
        for name, values in fields.items():
            self._check_field(name, values)
        facets = np.concatenate([tag.facets for tag in self.boundary] or [np.empty(0, dtype=np.int64)])
        if (facets < 0).any():
            raise InputError(f"{self.name}: a boundary tag names facet {facets.min()}", expected="indices from 0")
        covered = np.bincount(facets, minlength=len(self.mesh.boundary_facets))
        if len(covered) > len(self.mesh.boundary_facets) or (covered != 1).any():
            raise InputError(
                f"{self.name}: {np.sum(covered != 1)} boundary facets without exactly one tag",
                expected=f"tags that cover {len(self.mesh.boundary_facets)} facets once each",
            )

    def _check_field(self, name: str, values: Float[np.ndarray, " values"]) -> None:
        if values.shape != (self.mesh.node_count,):
            raise InputError(f"{self.name}: field {name!r} has {values.shape}", expected=f"({self.mesh.node_count},)")
        if not np.isfinite(values).all():
            raise InputError(
                f"{self.name}: field {name!r} has {np.sum(~np.isfinite(values))} values that are not finite"
            )

    @cached_property
    def fixed(self) -> Bool[np.ndarray, " nodes"]:
        """Nodes whose value a dirichlet tag prescribes."""
        mask = np.zeros(self.mesh.node_count, dtype=bool)
        for tag in self.boundary:
            if tag.kind == "dirichlet":
                mask[self.mesh.boundary_facets[tag.facets]] = True
        return mask

    @cached_property
    def fixed_values(self) -> Float[np.ndarray, " nodes"]:
        """Prescribed values on the fixed nodes, zero elsewhere; the mean where facets disagree."""
        total, count = np.zeros(self.mesh.node_count), np.zeros(self.mesh.node_count)
        for tag in self.boundary:
            if tag.kind != "dirichlet":
                continue
            nodes = self.mesh.boundary_facets[tag.facets]
            np.add.at(total, nodes, _nodal_values(tag, self.mesh, nodes))
            np.add.at(count, nodes, 1.0)
        return total / np.maximum(count, 1.0)


def _nodal_values(tag: BoundaryTag, mesh: Mesh, nodes: Int[np.ndarray, "facets 2"]) -> Float[np.ndarray, "facets 2"]:
    if callable(tag.value):
        return np.asarray(tag.value(mesh.points[nodes].transpose(2, 0, 1)), dtype=np.float64)
    values = np.broadcast_to(np.asarray(tag.value, dtype=np.float64), len(nodes))
    return np.repeat(values[:, None], 2, axis=1)
