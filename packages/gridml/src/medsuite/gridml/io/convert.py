"""From trajectories of MeshGraphNets data sets to VTU files that any viewer opens."""

from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Int

from medsuite.core.errors import InputError
from medsuite.gridml.case import BoundaryTag, Case
from medsuite.gridml.files import write_cases
from medsuite.gridml.io.meshgraphnets import NODE_TYPES, Trajectory, read_trajectories

KINDS = {
    "inflow": "inflow",
    "outflow": "outflow",
    "wall": "wall",
    "airfoil": "wall",
    "obstacle": "wall",
}
COMPONENTS = "xyz"


def trajectory_cases(path: Path, out: Path, *, step: int, limit: int) -> list[str]:
    """Write one time of the first trajectories of a file into a new folder and return their names.

    Raises:
        InputError: See `read_trajectories`; or a trajectory has no such time, or there is none.
    """
    if limit < 1:
        raise InputError(f"a limit of {limit} trajectories", expected="at least 1")
    cases = [snapshot(item, step) for item in islice(read_trajectories(path), limit)]
    if not cases:
        raise InputError(f"{path} holds no trajectory", fix="download the file again")
    write_cases(out, cases)
    return [case.name for case in cases]


def snapshot(trajectory: Trajectory, step: int) -> Case:
    """Return one time as a case without a target: each component a field, the boundary tagged by node types.

    Raises:
        InputError: There is no such time, or an unknown node type.
    """
    if not 0 <= step < trajectory.steps:
        raise InputError(f"{trajectory.name} has no time {step}", expected=f"0 to {trajectory.steps - 1}")
    fields = {"node_type": trajectory.node_type.astype(np.float64)}
    for name, values in trajectory.fields.items():
        for index in range(values.shape[2]):
            label = name if values.shape[2] == 1 else f"{name}_{COMPONENTS[index]}"
            fields[label] = values[step, :, index]
    return Case(trajectory.mesh, fields, _boundary(trajectory), None, trajectory.name)


def _boundary(trajectory: Trajectory) -> tuple[BoundaryTag, ...]:
    """Tag each boundary facet by the types of its ends; between two types it belongs to the lower number."""
    unknown = set(np.unique(trajectory.node_type)) - set(NODE_TYPES)
    if unknown:
        raise InputError(f"{trajectory.name} has node types {sorted(unknown)}", expected=f"among {NODE_TYPES}")
    ends: Int[np.ndarray, "facets 2"] = trajectory.node_type[trajectory.mesh.boundary_facets]
    types = np.where((ends == 0).any(axis=1), ends.max(axis=1), ends.min(axis=1))
    return tuple(
        BoundaryTag(NODE_TYPES[kind], KINDS.get(NODE_TYPES[kind], "unknown"), np.flatnonzero(types == kind))
        for kind in sorted(np.unique(types).tolist())
    )
