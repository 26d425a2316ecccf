"""The large organs along each ray: where air is, and the line integral without bones and vessels."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medsuite.core.phantom import organs
from medsuite.core.phantom.materials import MATERIALS
from medsuite.core.phantom.span import Span, uncovered

PLEURA_MM = 1.0
"""Thickness of the line of visceral pleura around a collapsed lung."""

Image = Float[np.ndarray, "film height width"]


@dataclass(frozen=True)
class Chest:
    """Depths on every ray of a batch.

    Attributes:
        aerated: Span of the aerated lung, before its covers are taken out.
        covers: Spans of mediastinum, heart and abdomen, which displace lung.
    """

    aerated: Span
    covers: tuple[Span, Span, Span]

    def air(self, span: Span, rays: np.ndarray | None = None) -> np.ndarray:
        """Return how much of a span lies in aerated lung, in mm.

        Args:
            span: Intervals of depth.
            rays: Flat indices of their rays; all rays without it.
        """
        aerated, *covers = (self.aerated, *self.covers)
        if rays is not None:
            aerated, *covers = (entry.take(rays) for entry in (aerated, *covers))
        return uncovered(span.meet(aerated), covers)


def lung_attenuation(body: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the attenuation of aerated lung in 1/mm: less in emphysema, more where it has collapsed."""
    rim = np.where(x < 0, body["collapse_right"], body["collapse_left"])
    healthy = body["lung_attenuation"] * (1 - body["hyperinflation"] / 90)
    return healthy * (1 + rim / 250)


def trace(body: np.ndarray, x: np.ndarray, z: np.ndarray) -> tuple[Chest, Image]:
    """Trace all rays through the large organs.

    Args:
        body: Patients, shape `(film, 1, 1)`.
        x: Position of the columns in mm, shape `(film, 1, width)`.
        z: Position of the rows in mm, shape `(film, height, 1)`.

    Returns:
        The depths, and the line integral of attenuation over torso, breasts and lungs.
    """
    pleural = organs.lung(body, x, z).span(x)
    covers = (
        organs.mediastinum(body, z).span(x),
        organs.heart(body, z).span(x),
        organs.abdomen(body, x, z).span(x),
    )
    pleural = _without_fluid(pleural, body, x, z)
    chest = Chest(_without_gas(pleural, body, x, z), covers)
    soft = MATERIALS["soft tissue"]
    integral = soft * (2 * organs.torso(body, z).reach(x) + organs.breast(body, x, z))
    integral += (lung_attenuation(body, x) - soft) * uncovered(chest.aerated, covers)
    _add_pleural_gas(integral, pleural, chest, body, x, z)
    return chest, integral


def _affected(*heights: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.any([height.ravel() > 0 for height in heights], axis=0))


def _replace(span: Span, films: np.ndarray, other: Span) -> Span:
    """Meet the spans of some films with others."""
    met = Span(span.back[films], span.front[films]).meet(other)
    span.back[films], span.front[films] = met
    return span


def _without_fluid(pleural: Span, body: np.ndarray, x: np.ndarray, z: np.ndarray) -> Span:
    films = _affected(body["effusion_right"], body["effusion_left"])
    if not len(films):
        return pleural
    bowl = organs.aerated_bowl(body[films], x[films], z[films]).span(x[films])
    return _replace(Span(*map(np.copy, pleural)), films, bowl)


def _without_gas(pleural: Span, body: np.ndarray, x: np.ndarray, z: np.ndarray) -> Span:
    films = _affected(body["collapse_right"], body["collapse_left"])
    if not len(films):
        return pleural
    lung = organs.collapsed_lung(body[films], x[films], z[films]).span(x[films])
    return _replace(Span(*map(np.copy, pleural)), films, lung)


def _add_pleural_gas(
    integral: Image, pleural: Span, chest: Chest, body: np.ndarray, x: np.ndarray, z: np.ndarray
) -> None:
    """Put gas where the lung has withdrawn, and a line of pleura, of soft tissue, around what is left of it."""
    films = _affected(body["collapse_right"], body["collapse_left"])
    if not len(films):
        return
    covers = [Span(cover.back[films], cover.front[films]) for cover in chest.covers]
    outer, lung = (Span(entry.back[films], entry.front[films]) for entry in (pleural, chest.aerated))
    body, x, z = body[films], x[films], z[films]
    within = lung.meet(organs.collapsed_lung(body, x, z, line=PLEURA_MM).span(x))
    air, aerated, inner = (uncovered(span, covers) for span in (outer, lung, within))
    soft = MATERIALS["soft tissue"]
    integral[films] += (MATERIALS["air"] - soft) * (air - aerated)
    line = np.where(np.where(x < 0, body["collapse_right"], body["collapse_left"]) > 0, aerated - inner, 0.0)
    integral[films] += (soft - lung_attenuation(body, x)) * line
