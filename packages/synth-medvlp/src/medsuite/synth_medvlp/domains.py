"""Two looks of the same simulated chests: the degraded "real" one and the clean "synthetic" one, and between them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError
from medsuite.core.phantom import LABELS, Acquisition, Finding, Request, Scene, draw, sample_scene
from medsuite.synth_medvlp.reports import SIZES, Statement

_MOTTLE = 7


@dataclass(frozen=True)
class Domain:
    """How films look and how varied their patients are.

    Attributes:
        acquisition: Physics of the film.
        variation: Spread of the anatomy; half of it is the mode collapse of a generator.
        contrast: Least and largest factor on the attenuation of lesions.
        sharp: Share of lesions that are drawn with a sharp margin, whatever their kind has.
        bone: Factor on the density of bones.
        mottle: Standard deviation of a smooth random field on the film, which generators leave.
    """

    acquisition: Acquisition
    variation: float
    contrast: tuple[float, float]
    sharp: float
    bone: float
    mottle: float


def domain(gap: float) -> Domain:
    """Return the domain at a distance from the "real" one: 0 is real, 1 the full gap, which may be exceeded to 1.2.

    Real films have scatter, blur, few quanta and faint lesions; a generator's films have none of these, always clear
    lesions with sharp margins, pale bones and patients that are alike. Each parameter goes in a straight line, noise in
    its standard deviation. Both are windowed from the 2nd to the 98th percentile.

    Raises:
        InputError: `gap` is outside 0 to 1.2.
    """
    if not 0 <= gap <= 1.2:
        raise InputError(f"gap {gap}", expected="a number from 0 (real) over 1 (synthetic) to 1.2")
    left = max(0.0, 1 - gap)
    physics = Acquisition(
        photons_per_mm2=600 / left**2 if left else math.inf,
        exposure_spread=0.4 * left,
        scatter_fraction=0.5 * left,
        blur_mm=3.0 * left,
        window=(2.0, 98.0),
    )
    contrast = (0.75 + 0.4 * gap, max(1.25 - 0.1 * gap, 0.75 + 0.4 * gap))
    return Domain(physics, 1 - 0.5 * gap, contrast, sharp=min(gap, 1.0), bone=1 - 0.45 * gap, mottle=0.01 * gap)


@dataclass(frozen=True)
class Rendered:
    """Films with what is in them.

    Attributes:
        image: Films from 0 (dark) to 1 (bright).
        findings: Findings of each film with their attributes.
        visible: For each film, which findings can be seen by Rose's criterion.
        boxes: For each film, x0, y0, x1, y1 of each finding in pixels.
    """

    image: Float[np.ndarray, "film height width"]
    findings: tuple[tuple[Finding, ...], ...]
    visible: tuple[tuple[bool, ...], ...]
    boxes: tuple[tuple[tuple[float, ...], ...], ...]


def render(labels: Sequence[Sequence[str]], seeds: Sequence[int], size: int, look: Domain) -> Rendered:
    """Draw a film for each list of findings; each depends on its own seed alone.

    Args:
        labels: Findings of each film, names of the chest simulator.
        seeds: One for each film.
        size: Pixels on a side.
        look: The domain.

    Raises:
        InputError: A finding is unknown, or there are as many seeds as films not.
    """
    if len(labels) != len(seeds):
        raise InputError(f"{len(seeds)} seeds for {len(labels)} films", expected="one for each film")
    films = draw([_scene(names, seed, look) for names, seed in zip(labels, seeds, strict=True)], size, look.acquisition)
    marks = [films.marks(film) for film in range(len(films))]
    return Rendered(
        image=_mottled(films.image, seeds, look.mottle),
        findings=tuple(scene.findings for scene in films.scenes),
        visible=tuple(tuple(mark.visible for mark in marks_) for marks_ in marks),
        boxes=tuple(tuple(tuple(mark.box.tolist()) for mark in marks_) for marks_ in marks),
    )


def describe(finding: Finding) -> Statement:
    """Turn a drawn finding into what a report says of it; sizes are thirds of the label's range."""
    low, high = LABELS[finding.label].size_mm
    third = min(2, int(3 * (finding.size_mm - low) / (high - low)))
    return Statement(finding.label, finding.side, finding.zone, SIZES[third])


def _scene(labels: Sequence[str], seed: int, look: Domain) -> Scene:
    rng = np.random.default_rng([seed, _MOTTLE, 0])
    requests = [Request(label, contrast=float(rng.uniform(*look.contrast))) for label in labels]
    scene = sample_scene(seed, requests, look.variation)
    findings = [replace(entry, margin="sharp") if rng.random() < look.sharp else entry for entry in scene.findings]
    anatomy = replace(scene.anatomy, bone_density=scene.anatomy.bone_density * look.bone)
    return replace(scene, anatomy=anatomy, findings=tuple(findings))


def _mottled(
    image: Float[np.ndarray, "film height width"], seeds: Sequence[int], deviation: float
) -> Float[np.ndarray, "film height width"]:
    if not deviation:
        return image
    from scipy.ndimage import gaussian_filter  # type: ignore[attr-defined]

    white = [np.random.default_rng([seed, _MOTTLE, 1]).standard_normal(image.shape[1:]) for seed in seeds]
    smooth = gaussian_filter(np.array(white, dtype=np.float32), (0, 1.5, 1.5), mode="wrap")
    return np.clip(image + deviation * smooth / smooth.std(axis=(1, 2), keepdims=True), 0, 1).astype(np.float32)
