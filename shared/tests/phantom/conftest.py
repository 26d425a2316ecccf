"""The independent oracle of these tests: ray marching through the attenuation in space."""

from collections.abc import Callable

import numpy as np
import pytest

from medsuite.core.phantom import Scene, attenuation


@pytest.fixture
def march() -> Callable[..., float]:
    """Sum the attenuation along the ray at (x, z) in small steps, by the midpoint rule."""

    def along(scene: Scene, x: float, z: float, step: float = 0.1) -> float:
        y = np.arange(-170, 200, step) + 0.5 * step
        points = np.stack([np.full_like(y, x), y, np.full_like(y, z)], axis=1)
        return float(attenuation(scene, points).sum() * step)

    return along
