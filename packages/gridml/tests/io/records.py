"""A writer of MeshGraphNets data sets, for tests only: by protocol buffers' wire format."""

import json

import numpy as np

from medsuite.gridml.io.tfrecord import frame


def varint(value):
    encoded = b""
    while value > 0x7F:
        encoded, value = encoded + bytes([value & 0x7F | 0x80]), value >> 7
    return encoded + bytes([value])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def example(arrays):
    entries = b""
    for name, array in arrays.items():
        bytes_list = field(1, np.ascontiguousarray(array).tobytes())
        entries += field(1, field(1, name.encode()) + field(2, field(1, bytes_list)))
    return field(1, entries)


def feature(kind, shape, dtype):
    return {"type": kind, "shape": shape, "dtype": dtype}


META = {
    "cells": feature("static", [1, -1, 3], "int32"),
    "mesh_pos": feature("static", [1, -1, 2], "float32"),
    "node_type": feature("static", [1, -1, 1], "int32"),
    "velocity": feature("dynamic", [5, -1, 2], "float32"),
    "pressure": feature("dynamic", [5, -1, 1], "float32"),
}


def trajectory(mesh, seed=0):
    generator = np.random.default_rng(seed)
    middle = mesh.points.mean(axis=0)
    types = np.where(mesh.on_boundary, np.where(mesh.points[:, 0] < middle[0], 4, 6), 0)
    return {
        "cells": mesh.triangles[None].astype("<i4"),
        "mesh_pos": mesh.points[None].astype("<f4"),
        "node_type": types[None, :, None].astype("<i4"),
        "velocity": generator.normal(size=(5, mesh.node_count, 2)).astype("<f4"),
        "pressure": generator.normal(size=(5, mesh.node_count, 1)).astype("<f4"),
    }


def write(folder, trajectories, features=META):
    folder.mkdir(exist_ok=True)
    meta = {"trajectory_length": 5, "field_names": list(features), "features": features}
    (folder / "meta.json").write_text(json.dumps(meta))
    path = folder / "valid.tfrecord"
    path.write_bytes(b"".join(frame(example(arrays)) for arrays in trajectories))
    return path
