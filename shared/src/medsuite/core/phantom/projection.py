"""Line integrals of whole scenes, and how each finding changes them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from medsuite.core.phantom import gas, skeleton, vessels
from medsuite.core.phantom.body import stack_bodies
from medsuite.core.phantom.chest import Chest, trace
from medsuite.core.phantom.disease import CHANGES
from medsuite.core.phantom.scan import Grid, attenuate, scan_ellipsoids, scan_tubes
from medsuite.core.phantom.scene import Scene
from medsuite.core.phantom.shapes import SOLID, build
from medsuite.core.phantom.solids import Ellipsoids, Tubes, join


@dataclass(frozen=True)
class Projection:
    """Noise-free projections of a batch.

    Attributes:
        line_integral: ∫μ dy on each ray.
        difference: For each finding, that minus the line integral of the scene without it.
        film: Index of the film of each finding.
    """

    line_integral: Float[np.ndarray, "film height width"]
    difference: Float[np.ndarray, "finding height width"]
    film: Int[np.ndarray, " finding"]


def make_grid(scenes: Sequence[Scene], size: int, field_of_view_mm: float, aperture_mm: float | None = None) -> Grid:
    """Lay the pixels of a square film over each patient, as positioned in front of the detector."""
    half = 0.5 * field_of_view_mm
    left = np.array([-half - scene.anatomy.shift_x for scene in scenes], np.float32)
    top = np.array([half - 8 - scene.anatomy.shift_z for scene in scenes], np.float32)
    pitch = field_of_view_mm / size
    return Grid(size, pitch, left, top, aperture=pitch if aperture_mm is None else aperture_mm)


def bones(body: np.ndarray) -> tuple[Tubes, Ellipsoids]:
    """Return the skeletons of a batch of patients."""
    spine, processes = skeleton.spine(body)
    shoulders, heads = skeleton.shoulders(body)
    return join([skeleton.ribs(body), spine, shoulders]), join([processes, heads])


def soft_parts(scenes: Sequence[Scene], body: np.ndarray, slots: Sequence[Sequence[int]]) -> tuple[Tubes, Ellipsoids]:
    """Return vessels, airways, gastric bubbles, lesions and devices of a batch.

    Args:
        scenes: One for each film.
        body: The same patients, stacked.
        slots: For each scene the index under which each finding is recorded, or -1.
    """
    seeds = [scene.anatomy.vessel_seed for scene in scenes]
    tubes = [vessels.pulmonary_vessels(body, seeds), vessels.central_vessels(body), gas.airways(body)]
    blobs = [gas.gastric_bubble(body)]
    for film, (scene, places) in enumerate(zip(scenes, slots, strict=True)):
        for finding, slot in zip(scene.findings, places, strict=True):
            parts = build(finding, scene.anatomy, film, slot) if finding.shape in SOLID else ()
            tubes += [part for part in parts if isinstance(part, Tubes)]
            blobs += [part for part in parts if isinstance(part, Ellipsoids)]
    return join(tubes), join(blobs)


def project(
    scenes: Sequence[Scene], size: int, field_of_view_mm: float, aperture_mm: float | None = None
) -> Projection:
    """Project scenes in parallel beams from back to front.

    A finding that changes organs costs a second projection of its scene, without it; other findings cost only the
    pixels that they cover.

    Args:
        scenes: One for each film.
        size: Pixels on a side.
        field_of_view_mm: Width and height in the patient.
        aperture_mm: Width over which a pixel averages small solids; the pixel itself if not given.
    """
    findings = [(film, place) for film, scene in enumerate(scenes) for place in range(len(scene.findings))]
    films = np.array([film for film, _ in findings], dtype=np.int64)
    changing = [slot for slot, (film, place) in enumerate(findings) if scenes[film].findings[place].shape in CHANGES]
    healed = [scenes[film].without(place) for film, place in (findings[slot] for slot in changing)]
    shown = [*scenes, *healed]
    counter = iter(range(len(findings)))
    slots = [[next(counter) if film < len(scenes) else -1 for _ in scene.findings] for film, scene in enumerate(shown)]

    grid = make_grid(shown, size, field_of_view_mm, aperture_mm)
    body = stack_bodies([scene.anatomy for scene in shown], [scene.disease() for scene in shown])
    chest, integral = trace(body.reshape(-1, 1, 1), grid.x, grid.z)
    difference = np.zeros((len(findings), size, size), np.float32)
    for pixel, value, slot in _contributions(soft_parts(shown, body, slots), grid, chest):
        _add(integral, pixel, value)
        own = np.flatnonzero(slot >= 0)
        _add(difference, slot[own] * size**2 + pixel[own] % size**2, value[own])
    integral += _skeletons(body, np.r_[: len(scenes), films[changing]], grid, chest)
    difference[changing] = integral[films[changing]] - integral[len(scenes) :]
    return Projection(integral[: len(scenes)], difference, films)


def _skeletons(body: np.ndarray, film: Int[np.ndarray, " film"], grid: Grid, chest: Chest) -> np.ndarray:
    """Project the bones of each patient once, and those of a healed fracture again; they act at any depth."""
    healed = body["fracture_rib"] != body["fracture_rib"][film]
    drawn, source = np.unique(np.where(healed, np.arange(len(body)), film), return_inverse=True)
    integral = np.zeros((len(drawn), grid.size, grid.size), np.float32)
    for pixel, value, _ in _contributions(bones(body[drawn]), grid.of(drawn), chest):
        _add(integral, pixel, value)
    return integral[source]


def _contributions(
    parts: tuple[Tubes, Ellipsoids], grid: Grid, chest: Chest
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield pixel, value and finding of what tubes and ellipsoids add to line integrals."""
    tubes, blobs = parts
    for solids, runs in ((tubes, scan_tubes(tubes, grid)), (blobs, scan_ellipsoids(blobs, grid))):
        run, pixel, value = attenuate(solids, runs, chest)
        yield pixel, value, solids.slot[runs.solid][run]


def _add(image: np.ndarray, pixel: np.ndarray, value: np.ndarray) -> None:
    """Add values at flat indices, which may repeat."""
    if len(pixel):
        image += np.bincount(pixel, value, minlength=image.size).reshape(image.shape)
