"""The camera: energy, geometry, noise, moire; and finding the screen again."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.bench.finance.baselines.page import Page, Word
from medsuite.bench.finance.baselines.rectify import find_corners, rectify
from medsuite.bench.finance.camera import (
    LEVELS,
    CameraParameters,
    _emit,
    decode_srgb,
    disc_kernel,
    encode_srgb,
    photograph,
)
from medsuite.core.errors import InputError

pytest.importorskip("cv2")
QUIET = CameraParameters(1.5, 0.0, 0.0, 1.2, 0.7, 0.0, 0.0, np.inf, 100)


def grey(level: int, height: int = 120, width: int = 160) -> np.ndarray:
    return np.full((height, width, 3), level, dtype=np.uint8)


def test_srgb_survives_the_way_to_linear_light_and_back() -> None:
    codes = np.arange(256, dtype=np.uint8)[:, None, None].repeat(3, 2)
    assert np.array_equal(encode_srgb(decode_srgb(codes)), codes)


@given(radius=st.floats(0.2, 6))
def test_defocus_keeps_the_light(radius: float) -> None:
    kernel = disc_kernel(radius)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert np.allclose(kernel, kernel[::-1, ::-1])


def test_a_grey_screen_keeps_its_mean_light_in_the_middle() -> None:
    photo = photograph(grey(150), QUIET, np.random.default_rng(0))
    middle = decode_srgb(photo.picture)[80:110, 105:145]
    assert middle.mean() == pytest.approx(decode_srgb(grey(150)).mean(), rel=0.03)


def test_shot_noise_grows_with_the_light_and_falls_with_electrons() -> None:
    def spread(level: int, electrons: float) -> float:
        parameters = CameraParameters(1.5, 0.0, 0.0, 3.0, 1.0, 0.0, 0.0, electrons, 100)
        light = decode_srgb(photograph(grey(level), parameters, np.random.default_rng(0)).picture)
        return float(light[80:110, 105:145, 1].var())

    assert spread(200, 500) / spread(200, 2000) == pytest.approx(4, rel=0.4)
    assert spread(200, 500) > 2 * spread(90, 500)


def test_moire_vanishes_with_defocus() -> None:
    def ripple(defocus: float) -> float:
        parameters = CameraParameters(0.9, 0.0, 0.0, defocus, 0.65, 0.0, 0.0, np.inf, 100)
        row = decode_srgb(photograph(grey(180), parameters, np.random.default_rng(0)).picture)[60, 40:120, 1]
        return float(row.std() / row.mean())

    assert ripple(0.2) > 5 * ripple(2.5)


@pytest.mark.parametrize("level", ["square", "light", "medium", "heavy"])
@pytest.mark.parametrize("ground", [18, 255])
def test_the_corners_are_found_within_three_pixels(level: str, ground: int) -> None:
    photo = photograph(grey(ground, 480, 800), level, np.random.default_rng(2))
    found = find_corners(photo.picture)
    assert found is not None
    assert np.linalg.norm(found - photo.corners, axis=1).max() < 3


def test_a_picture_without_a_screen_has_no_corners() -> None:
    assert find_corners(grey(128, 300, 400)) is None


def test_rectifying_with_the_true_corners_puts_points_back() -> None:
    photo = photograph(grey(240, 480, 800), "heavy", np.random.default_rng(3))
    page = Page((Word("screen", photo.corners),), photo.picture)
    flat = rectify(page, photo.corners)
    height, width = flat.picture.shape[:2]
    expected = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    assert np.abs(flat.words[0].corners - expected).max() < 1


def test_an_unknown_level_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'medium'"):
        photograph(grey(1), "mediun", np.random.default_rng(0))
    assert set(LEVELS) == {"square", "light", "medium", "heavy"}


@pytest.mark.parametrize("level", ["light", "medium", "heavy"])
def test_a_point_of_the_screen_is_where_the_homography_of_its_corners_puts_it(level: str) -> None:
    """Eight linear equations give the map from the four corners; a lit square must lie where the map says."""
    height, width = 360, 600
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=float)
    for x, y in ((90, 60), (500, 80), (300, 180), (120, 300)):
        screen = grey(0, height, width)
        screen[y - 12 : y + 12, x - 12 : x + 12] = 255
        parameters = replace(LEVELS[level], glare=0.0, electrons=np.inf)
        photo = photograph(screen, parameters, np.random.default_rng((x, y)))
        light = decode_srgb(photo.picture).sum(axis=2)
        inside = np.zeros_like(light)
        predicted = homography(corners, photo.corners) @ [x, y, 1]
        column, row = predicted[:2] / predicted[2]
        reach = 30
        box = np.s_[max(int(row) - reach, 0) : int(row) + reach, max(int(column) - reach, 0) : int(column) + reach]
        inside[box] = light[box] * (light[box] > 0.5 * light[box].max())
        rows, columns = np.indices(light.shape)
        found = [(inside * axis).sum() / inside.sum() + 0.5 for axis in (columns, rows)]
        np.testing.assert_allclose(found, [column, row], atol=0.7)


def homography(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    equations, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        equations += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.append(np.linalg.solve(np.array(equations), np.array(values)), 1).reshape(3, 3)


def test_light_is_kept_by_the_stripes_whatever_the_fill() -> None:
    light = np.random.default_rng(0).random((7, 9, 3)).astype(np.float32)
    for fill in (0.7, 0.85, 1.0):
        cells = _emit(light, fill)
        means = cells.reshape(7, 3, 9, 3, 3).mean(axis=(1, 3))
        np.testing.assert_allclose(means, light, rtol=1e-5)
