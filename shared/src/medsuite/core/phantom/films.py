"""Drawing scenes: films with the mask, box and visibility of each finding."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from medsuite.core.errors import InputError
from medsuite.core.phantom.detector import Acquisition, Exposure, count, develop, expose, harden
from medsuite.core.phantom.findings import Finding
from medsuite.core.phantom.projection import Projection, project
from medsuite.core.phantom.scene import Scene

_PIXELS_AT_ONCE = 1 << 17


class Mark(NamedTuple):
    """One finding on one film.

    Attributes:
        finding: Its physical attributes.
        mask: Pixels where the log signal changes by at least `Acquisition.visible_difference`, to bright or dark as the
            attenuation of the finding is positive or negative; empty if it is not visible.
        box: x0, y0, x1, y1 in pixels from the top left corner, x1 and y1 exclusive; NaN if not visible.
        contrast_to_noise: Mean change over the mask by its standard error, signed (dark is negative).
        visible: Whether there is a mask and the ratio reaches `Acquisition.rose`.
    """

    finding: Finding
    mask: Bool[np.ndarray, "height width"]
    box: Float[np.ndarray, "4"]
    contrast_to_noise: float
    visible: bool


@dataclass(frozen=True)
class Films:
    """A batch of films in radiological display: the patient's right is on the left, the head is up.

    Findings of all films are in one list, film by film in the order of the scene; `film` says whose each is.

    Attributes:
        image: The films, 0 dark to 1 bright.
        line_integral: ∫μ dy without noise.
        film: Index of the film of each finding.
        mask: See `Mark`.
        box: See `Mark`.
        contrast_to_noise: See `Mark`.
        visible: See `Mark`.
        scenes: What was drawn.
    """

    image: Float[np.ndarray, "film height width"]
    line_integral: Float[np.ndarray, "film height width"]
    film: Int[np.ndarray, " finding"]
    mask: Bool[np.ndarray, "finding height width"]
    box: Float[np.ndarray, "finding 4"]
    contrast_to_noise: Float[np.ndarray, " finding"]
    visible: Bool[np.ndarray, " finding"]
    scenes: tuple[Scene, ...]

    def __len__(self) -> int:
        return len(self.image)

    def marks(self, film: int) -> list[Mark]:
        """Return the findings of one film with their masks and boxes."""
        places = np.flatnonzero(self.film == film)
        return [
            Mark(finding, self.mask[at], self.box[at], float(self.contrast_to_noise[at]), bool(self.visible[at]))
            for finding, at in zip(self.scenes[film].findings, places, strict=True)
        ]


def draw(scenes: Sequence[Scene], size: int, acquisition: Acquisition | None = None) -> Films:
    """Draw scenes as films; each film depends on its scene alone, not on the others of the batch.

    Args:
        scenes: One for each film.
        size: Pixels on a side, 16 to 4096. The field of view stays, so the patient is the same at any size.
        acquisition: How the films are taken; the default is a good digital radiograph.

    Raises:
        InputError: There is no scene, or the size is out of range.
    """
    if not len(scenes):
        raise InputError("no scenes", expected="at least one")
    if not 16 <= size <= 4096:
        raise InputError(f"size {size}", expected="16 to 4096 pixels")
    acquisition = acquisition or Acquisition()
    step = max(1, _PIXELS_AT_ONCE // size**2)
    parts = [_draw(scenes[start : start + step], size, acquisition) for start in range(0, len(scenes), step)]
    shifted = np.concatenate([part.film + step * place for place, part in enumerate(parts)])
    arrays = {
        entry.name: np.concatenate([getattr(part, entry.name) for part in parts])
        for entry in fields(Films)
        if entry.name not in ("film", "scenes")
    }
    return Films(**arrays, film=shifted, scenes=tuple(scenes))


def _draw(scenes: Sequence[Scene], size: int, acquisition: Acquisition) -> Films:
    pitch = acquisition.field_of_view_mm / size
    projection = project(scenes, size, acquisition.field_of_view_mm)
    generators = [scene.noise() for scene in scenes]
    exposure = expose(projection.line_integral, generators, acquisition, pitch)
    image = develop(count(exposure, generators), acquisition, pitch)
    mask, ratio = _seen(scenes, projection, exposure, acquisition)
    visible = mask.any((1, 2))
    return Films(image, projection.line_integral, projection.film, mask, boxes(mask), ratio, visible, tuple(scenes))


def _seen(
    scenes: Sequence[Scene], projection: Projection, exposure: Exposure, acquisition: Acquisition
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mask of each finding, empty if it is not visible, and its contrast-to-noise ratio."""
    film = projection.film
    with_finding = projection.line_integral[film]
    effective = harden(with_finding, acquisition.hardening)
    effective -= harden(with_finding - projection.difference, acquisition.hardening)
    signal = exposure.signal(effective, film)
    finding = [finding for scene in scenes for finding in scene.findings]
    direction = np.sign([entry.attenuation for entry in finding]).astype(np.float32)
    mask = signal * direction[:, None, None] >= acquisition.visible_difference
    variance = np.where(mask, exposure.noise(film) ** 2, 0).sum((1, 2))
    change = np.where(mask, signal, 0).sum((1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(mask.any((1, 2)), change / np.sqrt(variance), 0.0)
    return mask & (np.abs(ratio) >= acquisition.rose)[:, None, None], ratio


def boxes(mask: Bool[np.ndarray, "finding height width"]) -> Float[np.ndarray, "finding 4"]:
    """Return the smallest boxes around masks: x0, y0, x1, y1 in pixels, the end exclusive; NaN for an empty mask."""
    columns, rows = mask.any(1), mask.any(2)
    ends = [lines.shape[1] - lines[:, ::-1].argmax(1) for lines in (columns, rows)]
    found = np.stack([columns.argmax(1), rows.argmax(1), *ends], 1).astype(np.float32)
    return np.where(mask.any((1, 2))[:, None], found, np.float32(np.nan))
