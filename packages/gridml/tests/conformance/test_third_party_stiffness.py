"""pyamg ships a finite element matrix of a mesh around an airfoil that somebody else assembled."""

import numpy as np
import pytest

from medsuite.gridml.mesh import repair
from medsuite.gridml.solvers import fem


@pytest.fixture(scope="module")
def airfoil():
    gallery = pytest.importorskip("pyamg.gallery")
    return gallery.load_example("airfoil")


def test_our_stiffness_equals_the_matrix_that_pyamg_ships(airfoil):
    mesh = repair(airfoil["vertices"], airfoil["elements"].astype(np.int64))
    assert mesh.areas.sum() == pytest.approx(76.8650804458, rel=1e-10)
    assert len(mesh.boundary_facets) == 62
    inside = np.flatnonzero(~mesh.on_boundary)
    ours = fem.stiffness(fem.space(mesh))[inside][:, inside].toarray()
    np.testing.assert_allclose(ours, airfoil["A"].toarray(), atol=1e-12)


def test_the_first_dirichlet_eigenvalues_on_it_are_the_published_ones(airfoil):
    from scipy.linalg import eigh

    mesh = repair(airfoil["vertices"], airfoil["elements"].astype(np.int64))
    inside, basis = np.flatnonzero(~mesh.on_boundary), fem.space(mesh)
    stiffness, mass = (matrix[inside][:, inside].toarray() for matrix in (fem.stiffness(basis), fem.mass(basis)))
    found = eigh(stiffness, mass, eigvals_only=True)[:3]
    np.testing.assert_allclose(found, [0.3889917, 0.62997199, 0.67568902], rtol=1e-6)
