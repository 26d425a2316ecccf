"""The data sets of MeshGraphNets (arXiv 2010.03409): `meta.json` beside TFRecord files, one trajectory a record."""

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from medsuite.core.errors import InputError
from medsuite.gridml.io.tfrecord import parse_example, read_records
from medsuite.gridml.mesh import Mesh, repair

NODE_TYPES = {0: "normal", 1: "obstacle", 2: "airfoil", 3: "handle", 4: "inflow", 5: "outflow", 6: "wall"}
# The published meta.json of the *_sizing sets is wrong (google-deepmind/deepmind-research issue 651).
WRONG_DTYPE, SIZING_FIELD = "<dtype: 'float32'>", "sizing_field"


@dataclass(frozen=True, eq=False)
class Trajectory:
    """One simulation on one mesh.

    Attributes:
        mesh: Of triangles.
        node_type: See `NODE_TYPES`.
        fields: What changes in time, by name.
        name: File and record.
    """

    mesh: Mesh
    node_type: Int[np.ndarray, " nodes"]
    fields: Mapping[str, Float[np.ndarray, "times nodes components"]]
    name: str

    @property
    def steps(self) -> int:
        """Number of stored times."""
        return len(next(iter(self.fields.values())))


@dataclass(frozen=True)
class Feature:
    """One entry of `meta.json`: an array of a type, with −1 where its shape is to be inferred."""

    kind: str
    shape: tuple[int, ...]
    dtype: np.dtype


def read_meta(folder: Path) -> Mapping[str, Feature]:
    """Return the features of a data set's `meta.json`; known mistakes of the published files are mended with a warning.

    Raises:
        InputError: The folder has no `meta.json`, or it is no description of features.
    """
    path = folder / "meta.json"
    if not path.is_file():
        raise InputError(f"{folder} has no meta.json", expected="the folder of a MeshGraphNets data set")
    try:
        features = json.loads(path.read_text())["features"]
        return {name: _feature(name, entry) for name, entry in features.items()}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}", expected='JSON with "features"') from error


def _feature(name: str, entry: Mapping[str, Any]) -> Feature:
    dtype, shape = entry["dtype"], tuple(int(size) for size in entry["shape"])
    if dtype == WRONG_DTYPE:
        warnings.warn(f"meta.json: {name} has dtype {dtype!r}, read as float32", stacklevel=4)
        dtype = "float32"
    if name == SIZING_FIELD and shape[-1] == 4:
        warnings.warn(f"meta.json: {name} has shape {shape}, read with 3 components", stacklevel=4)
        shape = (*shape[:-1], 3)
    return Feature(entry["type"], shape, np.dtype(dtype).newbyteorder("<"))


def read_arrays(path: Path) -> Iterator[Mapping[str, np.ndarray]]:
    """Yield each record's arrays, in the types and shapes of the `meta.json` beside the file.

    A ragged feature (`dynamic_varlen`) comes as a flat array with its lengths under `length_NAME`.

    Raises:
        InputError: A file is missing, cut or corrupt, or a feature is missing or has another size than its description.
    """
    features = read_meta(path.parent)
    for number, record in enumerate(read_records(path)):
        example = parse_example(record)
        yield {
            name: _array(example, name, feature, f"{path}: record {number}")
            for name, feature in _with_lengths(features).items()
        }


def _with_lengths(features: Mapping[str, Feature]) -> Mapping[str, Feature]:
    lengths = {
        f"length_{name}": Feature("static", (-1,), np.dtype("<i4"))
        for name, feature in features.items()
        if feature.kind == "dynamic_varlen"
    }
    return {**features, **lengths}


def _array(example: Mapping[str, bytes], name: str, feature: Feature, place: str) -> np.ndarray:
    if name not in example:
        raise InputError(f"{place} has no feature {name!r}", expected=f"one of {', '.join(sorted(example))}")
    try:
        values = np.frombuffer(example[name], dtype=feature.dtype)
        return values.reshape((-1, feature.shape[-1]) if feature.kind == "dynamic_varlen" else feature.shape)
    except ValueError as error:
        size = len(example[name])
        raise InputError(f"{place}: {size} bytes of {name!r} do not fill {feature.shape} of {feature.dtype}") from error


def read_trajectories(path: Path) -> Iterator[Trajectory]:
    """Yield a file's trajectories in two dimensions on a fixed mesh, such as those of `cylinder_flow` and `airfoil`.

    Inverted cells, which some published meshes have, are turned round.

    Raises:
        InputError: See `read_arrays`; or the set has no triangles in the plane (`deforming_plate` has tetrahedra).
    """
    for number, arrays in enumerate(read_arrays(path)):
        yield _trajectory(arrays, read_meta(path.parent), f"{path.stem}-{number:04d}")


def _trajectory(arrays: Mapping[str, np.ndarray], features: Mapping[str, Feature], name: str) -> Trajectory:
    for needed in ("mesh_pos", "cells", "node_type"):
        if needed not in arrays:
            raise InputError(f"{name} has no {needed!r}", expected="mesh_pos, cells and node_type")
        if arrays[needed].ndim != 3 or not len(arrays[needed]):
            raise InputError(f"{name}: {needed!r} has shape {arrays[needed].shape}", expected="(times, rows, columns)")
    points, cells = arrays["mesh_pos"][0], arrays["cells"][0]
    if points.shape[1] != 2 or cells.shape[1] != 3:
        raise InputError(
            f"{name} has {points.shape[1]}-D nodes and cells of {cells.shape[1]} nodes",
            expected="triangles in the plane",
        )
    mesh = repair(points.astype(np.float64), cells.astype(np.int64))
    if mesh.node_count != len(points):
        raise InputError(f"{name}: {len(points) - mesh.node_count} nodes coincide or belong to no cell")
    dynamic = {key: arrays[key].astype(np.float64) for key, feature in features.items() if feature.kind == "dynamic"}
    if not dynamic:
        raise InputError(f"{name} has no feature of type 'dynamic'", expected="at least one field in time")
    return Trajectory(mesh, arrays["node_type"][0, :, 0].astype(np.int64), dynamic, name)
