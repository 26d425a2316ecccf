import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.grounding.boxes import iou_matrix
from medsuite.grounding.knowledge import Attributes, load_knowledge
from medsuite.grounding.phantom import CONTRAST, _outline, draw_set, hold_out


def alone(phantom, rng, **wanted):
    """Pictures with a single lesion of one class, with the class's finding."""
    label = next(
        number
        for number, finding in enumerate(phantom.findings)
        if all(getattr(finding.attributes, name) == value for name, value in wanted.items())
    )
    return draw_set(phantom, 12, [(np.array([label]), 1)], rng)


def inside(picture, box):
    x1, y1, x2, y2 = box.astype(int)
    return picture[y1:y2, x1:x2] / 255


def test_a_split_holds_out_each_attribute_value_equally_often(phantom, rng):
    seen, unseen = hold_out(phantom, 8, rng)
    assert sorted([*seen, *unseen]) == list(range(32))
    for attribute, count in (("shape", 2), ("density", 4), ("texture", 4), ("location", 4)):
        values = [getattr(phantom.findings[label].attributes, attribute) for label in unseen]
        assert {values.count(value) for value in set(values)} == {count}
        assert len(set(values)) == 8 // count


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), count=st.sampled_from([4, 8]))
def test_every_word_of_an_unseen_description_is_read_in_training(seed, count):
    """What makes the unseen classes answerable: only their combination is new."""
    base = load_knowledge("phantom")
    seen, unseen = hold_out(base, count, np.random.default_rng(seed))
    assert len(unseen) == count
    read = {value for label in seen for value in base.findings[label].attributes.present().values()}
    combinations = {tuple(base.findings[label].attributes.present().values()) for label in seen}
    for label in unseen:
        told = tuple(base.findings[label].attributes.present().values())
        assert set(told) <= read
        assert told not in combinations


@pytest.mark.parametrize("count", [0, 5, 32])
def test_a_split_that_cannot_be_balanced_is_refused(count, phantom, rng):
    with pytest.raises(InputError, match="to hold out"):
        hold_out(phantom, count, rng)


def test_every_picture_shows_the_asked_number_of_different_classes_from_each_group(phantom, rng):
    seen, unseen = hold_out(phantom, 8, rng)
    drawn = draw_set(phantom, 30, [(seen, 3), (unseen, 1)], rng)
    assert drawn.images.shape == (30, 64, 64)
    assert all(len(set(row)) == 4 for row in drawn.classes)
    assert np.isin(drawn.classes[:, :3], seen).all()
    assert np.isin(drawn.classes[:, 3], unseen).all()


def test_lesions_do_not_cover_each_other_and_lie_in_their_zone(phantom, rng):
    drawn = draw_set(phantom, 60, [(np.arange(32), 4)], rng)
    for boxes, labels in zip(drawn.boxes, drawn.classes, strict=True):
        assert (iou_matrix(boxes, boxes) - np.eye(4)).max() < 0.2
        assert boxes.min() >= 0
        assert boxes.max() <= 64
        middle = (boxes[:, 1] + boxes[:, 3]) / 2
        zones = ["upper zone" if y < 32 else "lower zone" for y in middle]
        assert zones == [phantom.findings[label].attributes.location for label in labels]


@pytest.mark.parametrize(("density", "sign"), [("bright", 1), ("dark", -1)])
def test_density_is_the_sign_of_the_contrast_inside_the_box(density, sign, phantom, rng):
    drawn = alone(phantom, rng, shape="round", density=density, texture="smooth")
    for picture, boxes in zip(drawn.images, drawn.boxes, strict=True):
        patch = inside(picture, boxes[0])
        centre = patch[patch.shape[0] // 2, patch.shape[1] // 2]
        assert sign * (centre - np.median(picture) / 255) > CONTRAST / 3


def test_a_ring_is_hollow_and_a_disc_is_not(phantom, rng):
    contrast = {}
    for shape in ("round", "ring"):
        drawn = alone(phantom, rng, shape=shape, density="bright", texture="smooth")
        patches = [inside(picture, boxes[0]) for picture, boxes in zip(drawn.images, drawn.boxes, strict=True)]
        contrast[shape] = np.mean([patch[patch.shape[0] // 2, patch.shape[1] // 2] for patch in patches])
    assert contrast["round"] - contrast["ring"] > CONTRAST / 2


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        ("round", lambda r: 0.87 * np.pi * r**2),
        ("ring", lambda r: 0.87 * np.pi * r**2 * (1 - 0.55**2)),
        # An equilateral triangle around a circle of 0.55 r, and a bar.
        ("wedge", lambda r: 3 * np.sqrt(3) * (0.55 * r) ** 2),
        ("linear", lambda r: 2 * 1.15 * r * 2 * 1.3 * r / 7),
    ],
)
def test_a_shape_covers_the_area_that_it_should_whatever_its_angle(shape, area, rng):
    rows, columns = np.indices((400, 400)) + 0.5
    for radius in (60.0, 100.0):
        covered = _outline(shape, columns - 200, rows - 200, radius, rng).sum()
        assert covered == pytest.approx(area(radius), rel=0.02)


@pytest.mark.parametrize("side", [32, 64, 160])
def test_a_picture_of_another_size_is_the_same_scene_scaled(side, phantom):
    drawn = draw_set(phantom, 30, [(np.arange(32), 3)], np.random.default_rng(1), side=side)
    reach = (drawn.boxes[..., 2:] - drawn.boxes[..., :2]).max(axis=-1) / side
    assert drawn.images.shape == (30, side, side)
    assert 0.1 < reach.min() < reach.max() < 0.4
    assert (drawn.boxes >= 0).all()
    assert (drawn.boxes <= side).all()


def test_stippling_leaves_about_half_of_a_disc(phantom, rng):
    share = {}
    for texture in ("smooth", "stippled"):
        drawn = alone(phantom, rng, shape="round", density="bright", texture=texture)
        patches = [inside(picture, boxes[0]) for picture, boxes in zip(drawn.images, drawn.boxes, strict=True)]
        share[texture] = np.mean([(patch > 0.58).mean() for patch in patches])
    assert 0.35 < share["stippled"] / share["smooth"] < 0.65


def test_the_same_generator_draws_the_same_pictures(phantom):
    first, again = (draw_set(phantom, 5, [(np.arange(32), 4)], np.random.default_rng(3)) for _ in range(2))
    assert (first.images == again.images).all()
    assert (first.boxes == again.boxes).all()


def test_an_attribute_that_cannot_be_drawn_is_named(phantom, rng):
    odd = phantom.findings[0].model_copy(update={"attributes": Attributes(shape="star", density="bright")})
    base = phantom.model_copy(update={"findings": (odd,)})
    with pytest.raises(InputError, match="cannot draw shape 'star' of"):
        draw_set(base, 1, [(np.array([0]), 1)], rng)
