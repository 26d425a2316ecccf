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


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(20, 300))
def test_the_distance_to_sides_of_very_different_length_is_the_least_of_all(seed, count):
    generator = np.random.default_rng(seed)
    fine = np.stack([np.linspace(0, 1, count), np.zeros(count)], axis=1)
    corners = np.concatenate([fine, [[1.0, 1.0], [0.0, 1.0]]])
    segments = np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)
    points = generator.uniform(0, 1, (60, 2))
    found, index = nearest_segment(segments, points)
    # Inside the unit square the nearest side is known without any segment.
    np.testing.assert_allclose(found, np.minimum(points, 1 - points).min(axis=1), atol=1e-12)
    along = segments[index, 1] - segments[index, 0]
    offset = points - segments[index, 0]
    station = np.clip((offset * along).sum(axis=1) / (along**2).sum(axis=1), 0, 1)
    np.testing.assert_allclose(np.linalg.norm(offset - station[:, None] * along, axis=1), found, atol=1e-12)
