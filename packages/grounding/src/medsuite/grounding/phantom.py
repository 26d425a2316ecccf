"""Phantom A: thorax-like pictures with lesions drawn from a knowledge base whose names mean nothing.

A class is a combination of shape, density, texture and zone. Each picture shows several lesions of different classes:
the text alone decides which one is asked for. It tests a mechanism, never clinical accuracy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from medsuite.core.errors import InputError
from medsuite.grounding.knowledge import Attributes, KnowledgeBase

LESIONS = 4
CONTRAST = 0.28
RADIUS = (5.5, 8.5)
REFERENCE_SIDE = 64
SHAPES = ("round", "linear", "ring", "wedge")
DENSITIES = {"bright": 1.0, "dark": -1.0}
TEXTURES = ("smooth", "stippled")
ZONES = ("upper zone", "lower zone")

Plane = Float[np.ndarray, "height width"]


@dataclass(frozen=True)
class PhantomSet:
    """Pictures with their lesions.

    Attributes:
        images: Grey values.
        boxes: Tight box of each lesion, xyxy in pixels, the far edges exclusive.
        classes: Class of each lesion: its position in the knowledge base.
    """

    images: UInt8[np.ndarray, "picture height width"]
    boxes: Float[np.ndarray, "picture lesion 4"]
    classes: Int[np.ndarray, "picture lesion"]

    def __len__(self) -> int:
        return len(self.images)


def hold_out(
    knowledge: KnowledgeBase, count: int, generator: np.random.Generator
) -> tuple[Int[np.ndarray, "seen"], Int[np.ndarray, "unseen"]]:
    """Split classes by attribute combination: each value of an attribute is held out equally often.

    So every word of an unseen class's description has been read in training; only the combination is new.

    Args:
        knowledge: Findings that differ by combination, as the phantom's do.
        count: How many classes to hold out; a multiple of each attribute's number of values.
        generator: Draws the split.

    Raises:
        InputError: No balanced split of that size exists.
    """
    table = np.array([tuple(finding.attributes.present().values()) for finding in knowledge.findings])
    values = [np.unique(column) for column in table.T]
    if not 0 < count < len(table) or any(count % len(names) for names in values):
        raise InputError(f"{count} classes to hold out", expected="a multiple of each attribute's number of values")
    for _ in range(100_000):
        unseen = np.sort(generator.choice(len(table), count, replace=False))
        held = zip(table[unseen].T, values, strict=True)
        if all((column == name).sum() == count // len(names) for column, names in held for name in names):
            return np.setdiff1d(np.arange(len(table)), unseen), unseen
    raise InputError(f"found no balanced split with {count} unseen classes", fix="use the phantom's knowledge base")


def draw_set(
    knowledge: KnowledgeBase,
    count: int,
    groups: Sequence[tuple[Int[np.ndarray, "_"], int]],
    generator: np.random.Generator,
    *,
    side: int = REFERENCE_SIDE,
) -> PhantomSet:
    """Draw pictures; O(count x side²).

    Args:
        knowledge: The phantom's knowledge base: its attributes are what is drawn.
        count: Number of pictures.
        groups: Pairs of classes and how many lesions of them a picture shows, all of different classes.
        generator: Source of randomness.
        side: Pixels along each side.

    Raises:
        InputError: An attribute that the phantom cannot draw.
    """
    looks = [_drawable(finding.id, finding.attributes) for finding in knowledge.findings]
    images = np.empty((count, side, side), dtype=np.uint8)
    boxes, classes = [], []
    for image in images:
        chosen = np.concatenate([generator.choice(pool, size, replace=False) for pool, size in groups])
        picture, found = _scene([looks[label] for label in chosen], generator, side)
        image[:] = np.rint(picture * 255)
        boxes.append(found)
        classes.append(chosen)
    return PhantomSet(images, np.array(boxes, dtype=float), np.array(classes))


def _drawable(name: str, attributes: Attributes) -> Attributes:
    known = {"shape": SHAPES, "density": tuple(DENSITIES), "texture": TEXTURES, "location": ZONES}
    for attribute, values in known.items():
        value = getattr(attributes, attribute)
        if value not in values:
            raise InputError(f"the phantom cannot draw {attribute} {value!r} of {name!r}", expected=" or ".join(values))
    return attributes


def _scene(
    looks: list[Attributes], generator: np.random.Generator, side: int
) -> tuple[Plane, Float[np.ndarray, "lesion 4"]]:
    """Draw one picture with grey values in [0, 1], and its boxes."""
    image, boxes = _thorax(generator, side), []
    for look, (x, y, radius) in zip(looks, _places(looks, generator, side), strict=True):
        corner = np.floor([x - 1.6 * radius, y - 1.6 * radius]).astype(int).clip(0)
        patch = image[corner[1] : corner[1] + int(3.2 * radius) + 2, corner[0] : corner[0] + int(3.2 * radius) + 2]
        rows, columns = np.indices(patch.shape) + 0.5
        mask = _outline(str(look.shape), columns + corner[0] - x, rows + corner[1] - y, radius, generator)
        ys, xs = np.nonzero(mask >= 0.5)
        boxes.append(np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]) + np.tile(corner, 2))
        if look.texture == "stippled":
            mask = mask * _checkers(columns, rows, generator, 2 * side / REFERENCE_SIDE)
        patch += DENSITIES[str(look.density)] * CONTRAST * generator.uniform(0.85, 1.15) * mask
    return image.clip(0, 1), np.array(boxes, dtype=float)


def _places(looks: list[Attributes], generator: np.random.Generator, side: int) -> list[tuple[float, float, float]]:
    """Find a centre and a radius for each lesion, apart from each other and inside their zones."""
    while True:
        places = list(_try_places(looks, generator, side))
        if len(places) == len(looks):
            return places


def _try_places(
    looks: list[Attributes], generator: np.random.Generator, side: int
) -> Iterator[tuple[float, float, float]]:
    unit = side / REFERENCE_SIDE
    placed: list[tuple[float, float, float]] = []
    for look in looks:
        for _ in range(50):
            radius = unit * generator.uniform(*RADIUS)
            margin = radius + 2 * unit
            x = generator.uniform(margin, side - margin)
            inner = side / 2 - 0.6 * radius
            y = generator.uniform(margin, inner)
            y = y if look.location == "upper zone" else side - y
            if all(np.hypot(x - a, y - b) > radius + other + 2 * unit for a, b, other in placed):
                placed.append((x, y, radius))
                yield placed[-1]
                break


def _thorax(generator: np.random.Generator, side: int) -> Plane:
    """Two dark lungs with faint ribs and noise on a grey ground."""
    rows, columns = (np.indices((side, side)) + 0.5) / side
    image = np.full((side, side), 0.5)
    for centre in (0.30, 0.70):
        x, y = generator.normal((centre, 0.5), (0.015, 0.02))
        distance = np.hypot((columns - x) / 0.19, (rows - y) / 0.40)
        image -= 0.14 / (1 + np.exp(12 * (distance - 1)))
    ribs = 2 * np.pi * 7 * (rows + 0.15 * np.abs(columns - 0.5))
    image += 0.02 * np.sin(ribs + generator.uniform(0, 2 * np.pi))
    return image + generator.normal(0, 0.02, image.shape)


def _outline(shape: str, x: Plane, y: Plane, radius: float, generator: np.random.Generator) -> Plane:
    """Return the share of each pixel that a shape covers, from its signed distance; x and y are from its centre."""
    # A line that lies flat has a box so thin that no detector meets it at IoU 0.5.
    steep = generator.choice([-1, 1]) * generator.uniform(0.45, 1.12)
    angle = steep if shape == "linear" else generator.uniform(0, 2 * np.pi)
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    if shape == "linear":
        thickness = 1.3 * radius / np.mean(RADIUS)
        distance = np.maximum(np.abs(along) - 1.15 * radius, np.abs(across) - thickness)
    elif shape == "wedge":
        corners = np.pi * np.array([0.5, 0.5 + 2 / 3, 0.5 + 4 / 3])
        sides = [along * np.cos(corner) + across * np.sin(corner) for corner in corners]
        distance = np.maximum.reduce(sides) - 0.55 * radius
    else:
        centre = np.hypot(along, across / 0.87)
        distance = centre - radius if shape == "round" else np.maximum(centre - radius, 0.55 * radius - centre)
    return np.clip(0.5 - distance, 0, 1)


def _checkers(x: Plane, y: Plane, generator: np.random.Generator, cell: float) -> Plane:
    shift = generator.uniform(0, 2 * cell, 2)
    return (np.floor((x + shift[0]) / cell) + np.floor((y + shift[1]) / cell)) % 2
