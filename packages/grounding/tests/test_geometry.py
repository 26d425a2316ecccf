import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.grounding.geometry import Geometry, mirrored_text

STEPS = {
    "resize": lambda geometry: geometry.resized(37, 91),
    "crop": lambda geometry: geometry.cropped(2, 1, geometry.size[0] - 3, geometry.size[1] - 2),
    "pad": lambda geometry: geometry.padded(4, 0, 1, 7),
    "flip": lambda geometry: geometry.flipped(),
    "turn": lambda geometry: geometry.turned(1),
}


@given(names=st.lists(st.sampled_from(sorted(STEPS)), max_size=8))
def test_any_chain_of_transforms_brings_boxes_back(names):
    geometry = Geometry.of(60, 45)
    for name in names:
        geometry = STEPS[name](geometry)
    boxes = np.array([[1.0, 2, 30, 40], [10, 10, 59, 44]])
    np.testing.assert_allclose(geometry.to_original(geometry.to_model(boxes)), boxes, atol=1e-9)


@pytest.mark.parametrize(
    ("geometry", "image"),
    [
        (lambda g: g.cropped(3, 2, 10, 9), lambda image: image[2:11, 3:13]),
        (lambda g: g.padded(2, 1, 3, 4), lambda image: np.pad(image, ((1, 4), (2, 3)))),
        (lambda g: g.flipped(), lambda image: image[:, ::-1]),
        (lambda g: g.turned(1), np.rot90),
        (lambda g: g.turned(2), lambda image: np.rot90(image, 2)),
        (lambda g: g.turned(-1), lambda image: np.rot90(image, -1)),
        (lambda g: g.resized(40, 48), lambda image: image.repeat(3, 0).repeat(2, 1)),
    ],
)
def test_a_box_follows_the_pixels_that_it_encloses(geometry, image):
    picture = np.zeros((16, 20))
    picture[5:9, 6:12] = 1
    moved = geometry(Geometry.of(20, 16))
    ys, xs = np.nonzero(image(picture))
    assert moved.size == image(picture).shape[::-1]
    assert moved.to_model(np.array([[6.0, 5, 12, 9]])).tolist() == [[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]]


PIXELS = {
    "resize": lambda image: image.repeat(2, 0).repeat(3, 1),
    "crop": lambda image: image[1:, 2:],
    "pad": lambda image: np.pad(image, ((1, 2), (3, 0))),
    "flip": lambda image: image[:, ::-1],
    "turn": np.rot90,
}
BOXES = {
    "resize": lambda geometry: geometry.resized(3 * geometry.size[0], 2 * geometry.size[1]),
    "crop": lambda geometry: geometry.cropped(2, 1, geometry.size[0] - 2, geometry.size[1] - 1),
    "pad": lambda geometry: geometry.padded(3, 1, 0, 2),
    "flip": lambda geometry: geometry.flipped(),
    "turn": lambda geometry: geometry.turned(1),
}


@given(names=st.lists(st.sampled_from(sorted(PIXELS)), max_size=4))
def test_a_box_follows_its_pixels_through_any_chain(names):
    image = np.zeros((16, 20))
    image[9:14, 11:18] = 1
    geometry = Geometry.of(20, 16)
    for name in names:
        image, geometry = PIXELS[name](image), BOXES[name](geometry)
    assert geometry.size == image.shape[::-1]
    ys, xs = np.nonzero(image)
    if len(xs) == 35 * 6 ** names.count("resize"):
        moved = geometry.to_model(np.array([[11.0, 9, 18, 14]]))
        np.testing.assert_allclose(moved, [[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]], atol=1e-9)


def test_mirroring_a_text_exchanges_whole_words():
    assert mirrored_text("Left lower zone, right apex, leftover") == "Right lower zone, left apex, leftover"
    assert mirrored_text("LEFT HILUM, left-sided, bright") == "RIGHT HILUM, right-sided, bright"


@given(st.lists(st.sampled_from(["left", "Right", "LEFT", "upper", "lobe,", "right-sided", "leftover"])))
def test_mirroring_twice_is_the_text_itself(parts):
    text = " ".join(parts)
    assert mirrored_text(mirrored_text(text)) == text
    assert ("left" in text.lower().split()) == ("right" in mirrored_text(text).lower().split())


def test_an_image_without_pixels_is_refused():
    with pytest.raises(InputError, match="0 x 5"):
        Geometry.of(0, 5)
    with pytest.raises(InputError, match="at least one pixel"):
        Geometry.of(4, 4).cropped(0, 0, 0, 4)
