import importlib.util
from pathlib import Path

import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.gridml.io.convert import snapshot, trajectory_cases
from medsuite.gridml.io.meshgraphnets import read_arrays, read_meta, read_trajectories
from medsuite.gridml.io.vtu import read_case

specification = importlib.util.spec_from_file_location("records", Path(__file__).with_name("records.py"))
records = importlib.util.module_from_spec(specification)
specification.loader.exec_module(records)


def test_trajectories_of_different_meshes_come_back_value_for_value(tmp_path, star_mesh, make_square):
    written = [records.trajectory(star_mesh, 0), records.trajectory(make_square(2), 1)]
    read = list(read_trajectories(records.write(tmp_path, written)))
    assert [item.mesh.node_count for item in read] == [star_mesh.node_count, 25]
    for arrays, item in zip(written, read, strict=True):
        np.testing.assert_array_equal(item.fields["velocity"], arrays["velocity"])
        np.testing.assert_array_equal(item.fields["pressure"], arrays["pressure"])
        np.testing.assert_array_equal(item.node_type, arrays["node_type"][0, :, 0])
        np.testing.assert_array_equal(item.mesh.points, arrays["mesh_pos"][0])
        assert item.steps == 5


def test_cells_with_their_corners_the_wrong_way_round_are_turned(tmp_path, star_mesh):
    arrays = records.trajectory(star_mesh)
    arrays["cells"] = arrays["cells"][:, :, [0, 2, 1]]
    (item,) = read_trajectories(records.write(tmp_path, [arrays]))
    assert item.mesh.areas.min() > 0


def test_the_known_mistakes_of_published_sizing_sets_are_mended_with_a_warning(tmp_path):
    features = {"sizing_field": records.feature("dynamic_varlen", [-1, -1, 4], "<dtype: 'float32'>")}
    values = np.arange(12, dtype="<f4")
    path = records.write(tmp_path, [{"sizing_field": values, "length_sizing_field": np.array([1, 3], "<i4")}], features)
    with pytest.warns(UserWarning, match=r"meta\.json") as caught:
        assert read_meta(tmp_path)["sizing_field"].shape == (-1, -1, 3)
    assert len(caught) == 2
    with pytest.warns(UserWarning, match=r"meta\.json"):
        (arrays,) = read_arrays(path)
    np.testing.assert_array_equal(arrays["sizing_field"], values.reshape(-1, 3))
    assert arrays["length_sizing_field"].tolist() == [1, 3]


def test_a_missing_or_broken_meta_is_named(tmp_path):
    with pytest.raises(InputError, match=r"has no meta\.json"):
        read_meta(tmp_path)
    (tmp_path / "meta.json").write_text('{"features": {"a": {"type": "static"}}}')
    with pytest.raises(InputError, match="cannot be read: 'dtype'"):
        read_meta(tmp_path)


def test_a_missing_feature_and_a_wrong_size_are_named(tmp_path, star_mesh):
    arrays = records.trajectory(star_mesh)
    without = {name: values for name, values in arrays.items() if name != "velocity"}
    with pytest.raises(InputError, match="has no feature 'velocity'"):
        list(read_arrays(records.write(tmp_path, [without])))
    arrays["velocity"] = arrays["velocity"][:, :-1].ravel()[:-1]
    with pytest.raises(InputError, match="of 'velocity' do not fill"):
        list(read_arrays(records.write(tmp_path, [arrays])))


def test_tetrahedra_are_refused_as_no_triangles_in_the_plane(tmp_path, star_mesh):
    arrays = records.trajectory(star_mesh)
    arrays["cells"] = np.zeros((1, 2, 4), "<i4")
    features = {**records.META, "cells": records.feature("static", [1, -1, 4], "int32")}
    with pytest.raises(InputError, match="cells of 4 nodes"):
        list(read_trajectories(records.write(tmp_path, [arrays], features)))


def test_one_time_becomes_a_vtu_file_with_tagged_boundary(tmp_path, star_mesh):
    path = records.write(tmp_path / "set", [records.trajectory(star_mesh)])
    (name,) = trajectory_cases(path, tmp_path / "out", step=2, limit=3)
    case = read_case(tmp_path / "out" / f"{name}.vtu")
    assert set(case.inputs) == {"node_type", "pressure", "velocity_x", "velocity_y"}
    assert {tag.kind for tag in case.boundary} == {"inflow", "wall"}
    (item,) = read_trajectories(path)
    np.testing.assert_allclose(case.inputs["velocity_y"], item.fields["velocity"][2, :, 1])


def test_a_time_that_is_not_there_and_an_unknown_node_type_are_refused(tmp_path, star_mesh):
    arrays = records.trajectory(star_mesh)
    (item,) = read_trajectories(records.write(tmp_path, [arrays]))
    with pytest.raises(InputError, match="has no time 5; expected 0 to 4"):
        snapshot(item, 5)
    arrays["node_type"][0, 0, 0] = 9
    (item,) = read_trajectories(records.write(tmp_path, [arrays]))
    with pytest.raises(InputError, match="node types"):
        snapshot(item, 0)


def test_a_file_without_trajectories_and_arrays_of_another_rank_are_named(tmp_path, star_mesh):
    path = records.write(tmp_path / "empty", [])
    with pytest.raises(InputError, match="holds no trajectory"):
        trajectory_cases(path, tmp_path / "out", step=0, limit=3)
    assert not (tmp_path / "out").exists()
    arrays = records.trajectory(star_mesh)
    features = {**records.META, "node_type": records.feature("static", [-1], "int32")}
    with pytest.raises(InputError, match=r"'node_type' has shape \(\d+,\)"):
        list(read_trajectories(records.write(tmp_path / "flat", [arrays], features)))
