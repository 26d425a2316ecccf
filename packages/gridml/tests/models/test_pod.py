import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.gridml.models.base import Budget, relative_error
from medsuite.gridml.models.pod import pod
from medsuite.gridml.models.registry import family
from medsuite.gridml.simulation import Continuous, random_poisson, random_waves


def test_modes_are_orthonormal_in_the_mass_and_the_tail_is_the_projection_error(star_mesh):
    generator = np.random.default_rng(0)
    snapshots, measure = generator.normal(size=(9, star_mesh.node_count)), star_mesh.measure
    basis = pod(snapshots, measure, 4)
    np.testing.assert_allclose(basis.modes.T @ (measure[:, None] * basis.modes), np.eye(4), atol=1e-12)
    projected = basis.mean + basis.coefficients(snapshots, measure) @ basis.modes.T
    lost = ((snapshots - projected) ** 2 @ measure).sum()
    assert lost == pytest.approx((basis.singular_values[4:] ** 2).sum(), rel=1e-12)


def test_the_order_of_the_snapshots_does_not_matter(star_mesh):
    snapshots = np.random.default_rng(0).normal(size=(6, star_mesh.node_count))
    first, second = (pod(part, star_mesh.measure, 3).modes for part in (snapshots, snapshots[::-1]))
    np.testing.assert_allclose(first @ first.T, second @ second.T, atol=1e-10)


@pytest.fixture(scope="module")
def poisson():
    generator = np.random.default_rng(11)
    problem = random_poisson(generator)
    mesh = problem.mesh(0.25, generator)
    cases = [Continuous(problem.domain, random_waves(generator)).solved(mesh, f"{index}") for index in range(80)]
    return problem, mesh, cases


def test_a_linear_problem_is_learned_to_a_tenth_of_a_percent_on_its_mesh(poisson):
    _, _, cases = poisson
    surrogate = family("pod", rank=30).fit(cases[:70], Budget(), 0)
    assert np.median([relative_error(case, surrogate.predict(case)) for case in cases[70:]]) < 1e-3


def test_a_new_mesh_is_refused_with_what_to_use_instead(poisson):
    problem, _, cases = poisson
    surrogate = family("pod").fit(cases[:5], Budget(), 0)
    other = problem.solved(problem.mesh(0.25, np.random.default_rng(1)), "remeshed")
    with pytest.raises(InputError, match=r"remeshed has another one.*use meshgraphnet"):
        surrogate.predict(other)
    with pytest.raises(InputError, match="was given 2 meshes"):
        family("pod").fit([*cases[:2], other], Budget(), 0)


def test_the_basis_is_the_best_of_its_rank(star_mesh):
    """Eckart and Young: no other subspace of four dimensions leaves less of the snapshots, in the norm of the mass."""
    generator = np.random.default_rng(1)
    snapshots, measure = generator.normal(size=(9, star_mesh.node_count)), star_mesh.measure
    basis = pod(snapshots, measure, 4)
    centred = snapshots - basis.mean

    def lost(modes):
        root = np.sqrt(measure)[:, None]
        orthonormal = np.linalg.qr(root * modes)[0]
        left = centred.T * root - orthonormal @ (orthonormal.T @ (centred.T * root))
        return (left**2).sum()

    least = lost(basis.modes)
    assert least == pytest.approx((basis.singular_values[4:] ** 2).sum(), rel=1e-10)
    for _ in range(20):
        assert lost(basis.modes + 0.1 * generator.normal(size=basis.modes.shape)) > least


def test_one_snapshot_and_constant_snapshots_have_no_modes(star_mesh):
    for snapshots in (np.ones((1, star_mesh.node_count)), np.ones((5, star_mesh.node_count))):
        basis = pod(snapshots, star_mesh.measure, 3)
        assert basis.modes.shape == (star_mesh.node_count, 0)
        np.testing.assert_array_equal(basis.mean, 1.0)
