import numpy as np
import pytest

from medsuite.gridml import norms
from medsuite.gridml.mesh import Mesh


def test_norms_of_a_linear_function_on_the_square_are_the_integrals_by_hand(make_square):
    mesh = make_square(3)
    values = mesh.points[:, 0]
    assert norms.l2(mesh, values) == pytest.approx(np.sqrt(1 / 3))
    assert norms.h1(mesh, values) == pytest.approx(1.0)
    assert norms.energy(mesh, values, lambda x: 4 * x[0]) == pytest.approx(np.sqrt(2.0))


def test_relative_errors_of_a_scaled_field_are_the_scale_in_every_norm(star_mesh):
    target = np.cos(star_mesh.points[:, 0])
    errors = norms.relative_errors(star_mesh, 1.1 * target, target)
    assert set(errors) == {"l2", "h1", "linf", "node_legacy"}
    np.testing.assert_allclose(list(errors.values()), 0.1, rtol=1e-9)


def test_a_zero_label_has_no_relative_error(star_mesh):
    errors = norms.relative_errors(star_mesh, np.ones(star_mesh.node_count), np.zeros(star_mesh.node_count))
    assert np.isnan(list(errors.values())).all()


def test_on_a_graded_mesh_the_node_average_is_not_the_error_in_the_domain(make_square):
    # Squaring the coordinates crowds the nodes at the corner where the error stands.
    even = make_square(4)
    mesh = Mesh(even.points**2, even.triangles)
    error = np.exp(-20 * (mesh.points**2).sum(axis=1))
    found = norms.relative_errors(mesh, 1.0 + error, np.ones(mesh.node_count))
    assert found["node_legacy"] > 2 * found["l2"]
