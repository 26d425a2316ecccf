"""Drawing scenes: films with the mask, box and visibility of each finding."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float, Int

from medsuite.core.errors import InputError
from medsuite.core.phantom.detector import Acquisition, count, develop, expose
from medsuite.core.phantom.marks import Mark, boxes, find_visible
from medsuite.core.phantom.projection import project
from medsuite.core.phantom.scene import Scene

_PIXELS_AT_ONCE = 1 << 16


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


def draw(scenes: Sequence[Scene], size: int, acquisition: Acquisition | None = None, workers: int = 1) -> Films:
    """Draw scenes as films; each film depends on its scene alone, not on the others of the batch.

    Args:
        scenes: One for each film.
        size: Pixels on a side, 16 to 4096. The field of view stays, so the patient is the same at any size.
        acquisition: How the films are taken; the default is a good digital radiograph.
        workers: Threads that draw at the same time; the films are the same with any number.

    Raises:
        InputError: There is no scene or no worker, or the size is out of range.
    """
    if not len(scenes):
        raise InputError("no scenes", expected="at least one")
    if not 16 <= size <= 4096:
        raise InputError(f"size {size}", expected="16 to 4096 pixels")
    if workers < 1:
        raise InputError(f"{workers} workers", expected="at least 1")
    acquisition = acquisition or Acquisition()
    step = max(1, _PIXELS_AT_ONCE // size**2)
    blocks = [scenes[start : start + step] for start in range(0, len(scenes), step)]
    with ThreadPoolExecutor(workers) as pool:
        parts = list(pool.map(lambda block: _draw(block, size, acquisition), blocks))
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
    findings = [finding for scene in scenes for finding in scene.findings]
    mask, ratio = find_visible(findings, projection, exposure, acquisition)
    visible = np.abs(ratio) >= acquisition.rose
    return Films(image, projection.line_integral, projection.film, mask, boxes(mask), ratio, visible, tuple(scenes))
