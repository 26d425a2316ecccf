import numpy as np
import pytest
import torch

from medsuite.gridml.case import Case, whole_boundary
from medsuite.gridml.domains import random_star, triangulate
from medsuite.gridml.mesh import Mesh
from medsuite.gridml.simulation import simulate


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def star_mesh() -> Mesh:
    generator = np.random.default_rng(7)
    return triangulate(random_star(generator), 0.25, generator)


@pytest.fixture(scope="session")
def cases() -> list[Case]:
    return simulate("darcy", cases=4, seed=1, spacing=0.3)


@pytest.fixture
def triangle() -> Mesh:
    return Mesh(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.array([[0, 1, 2]]))


def square(refinements: int, *, distortion: float = 0.0, seed: int = 0) -> Mesh:
    """The unit square in triangles, with interior nodes moved by a share of the spacing."""
    count = 2**refinements
    axis = np.linspace(0.0, 1.0, count + 1)
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    corner = (np.arange(count)[:, None] * (count + 1) + np.arange(count)).ravel()
    lower = np.stack([corner, corner + 1, corner + count + 2], axis=1)
    upper = np.stack([corner, corner + count + 2, corner + count + 1], axis=1)
    inside = ((points > 0) & (points < 1)).all(axis=1)
    moves = np.random.default_rng(seed).uniform(-distortion, distortion, points.shape) / count
    return Mesh(points + inside[:, None] * moves, np.concatenate([lower, upper]))


@pytest.fixture
def make_square():
    return square


@pytest.fixture
def renumbered():
    """A case whose nodes are numbered otherwise, and the permutation: new node i is old node order[i]."""

    def renumber(case: Case, seed: int = 0) -> tuple[Case, np.ndarray]:
        order = np.random.default_rng(seed).permutation(case.mesh.node_count)
        new = np.argsort(order)
        mesh = Mesh(case.mesh.points[order], new[case.mesh.triangles])
        inputs = {name: values[order] for name, values in case.inputs.items()}
        target = None if case.target is None else case.target[order]
        return Case(mesh, inputs, whole_boundary(mesh, "dirichlet"), target), order

    return renumber
