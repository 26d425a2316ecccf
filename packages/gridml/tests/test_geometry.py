import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path

from medsuite.gridml.domains import random_star
from medsuite.gridml.geometry import contains, nearest_segment


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_inside_and_distance_agree_with_matplotlib_and_a_dense_sampling(seed):
    generator = np.random.default_rng(seed)
    ring = random_star(generator).ring(0.2)
    segments = np.stack([ring, np.roll(ring, -1, axis=0)], axis=1)
    points = generator.uniform(-1.4, 1.4, (200, 2))
    np.testing.assert_array_equal(contains(segments, points), Path(ring).contains_points(points))
    share = np.linspace(0, 1, 401)[:, None, None]
    dense = (segments[:, 0] * (1 - share) + segments[:, 1] * share).reshape(-1, 2)
    expected = np.linalg.norm(points[:, None] - dense, axis=-1).min(axis=1)
    distance, index = nearest_segment(segments, points)
    np.testing.assert_allclose(distance, expected, atol=1e-3)
    assert (index < len(segments)).all()
