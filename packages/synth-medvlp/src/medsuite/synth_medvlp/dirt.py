"""What is wrong with real sets, in numbers: bad films, missed and false findings, swapped reports."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from medsuite.core.errors import InputError
from medsuite.synth_medvlp.reports import Statement
from medsuite.synth_medvlp.vocabulary import FINDINGS

FAULTS = ("good", "blurred", "noisy", "badly exposed", "rotated", "not a chest")
"""Kinds of films; a bad one has each of the last five equally often."""


@dataclass(frozen=True)
class Dirt:
    """Shares of what is wrong.

    Attributes:
        bad: Share of bad films.
        missed: Share of findings that the report does not mention.
        false: Probability for each absent finding that the report affirms it.
        swapped: Share of films that carry the report of another one.
    """

    bad: float = 0.0
    missed: float = 0.0
    false: float = 0.0
    swapped: float = 0.0

    def __post_init__(self) -> None:
        for name, share in vars(self).items():
            if not 0 <= share < 1:
                raise InputError(f"{name} {share}", expected="a share from 0 to below 1")


CLEAN = Dirt()
MILD = Dirt(bad=0.026, missed=0.05, false=0.01)
"""The share of films that SynCXR's authors rejected, and label noise that is assumed."""
HARSH = Dirt(bad=0.25, missed=0.25, false=0.03, swapped=0.10)


def spoil_films(
    image: Float[np.ndarray, "film height width"], share: float, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "film height width"], Int[np.ndarray, "film"]]:
    """Replace a share of films by bad ones of the same patients.

    Returns:
        The films, and for each its index in `FAULTS`.
    """
    fault = np.where(rng.random(len(image)) < share, rng.integers(1, len(FAULTS), len(image)), 0)
    spoilt = image.copy()
    for film in np.flatnonzero(fault):
        spoilt[film] = _SPOIL[FAULTS[fault[film]]](image[film], rng)
    return spoilt, fault


def spoil_statements(statements: Sequence[Statement], dirt: Dirt, rng: np.random.Generator) -> list[Statement]:
    """Leave findings out of a report and put findings in that are not there."""
    kept = [statement for statement in statements if rng.random() >= dirt.missed]
    present = {statement.concept for statement in statements}
    drawn = [name for name, chance in zip(FINDINGS, rng.random(len(FINDINGS)), strict=True) if chance < dirt.false]
    return kept + [Statement(name, *_attributes(rng)) for name in drawn if name not in present]


def swapped_order(reports: int, share: float, rng: np.random.Generator) -> Int[np.ndarray, "report"]:
    """Return which report each film carries: a random share goes round in a circle, so that each gets a wrong one."""
    order = np.arange(reports)
    chosen = rng.permutation(reports)[: round(share * reports)]
    order[chosen] = np.roll(chosen, 1)
    return order


def _attributes(rng: np.random.Generator) -> tuple[str, str, str]:
    options = (("right", "left"), ("upper", "middle", "lower"), ("small", "moderate", "large"))
    side, zone, size = (str(rng.choice(values)) for values in options)
    return side, zone, size


Film = Float[np.ndarray, "height width"]


def _blurred(film: Film, _rng: np.random.Generator) -> Film:
    from scipy.ndimage import gaussian_filter  # type: ignore[attr-defined]

    return gaussian_filter(film, 3 * len(film) / 64)


def _noisy(film: Film, rng: np.random.Generator) -> Film:
    return np.clip(film + rng.normal(0, 0.35, film.shape), 0, 1)


def _badly_exposed(film: Film, rng: np.random.Generator) -> Film:
    """Move the window: most of the film is white, or most of it black."""
    shift = 0.6 if rng.random() < 0.5 else -0.6
    return np.clip(film + shift, 0, 1)


def _rotated(film: Film, rng: np.random.Generator) -> Film:
    return np.rot90(film, int(rng.integers(1, 4)))


def _not_a_chest(film: Film, rng: np.random.Generator) -> Film:
    """Draw smooth blobs with the film's own grey values."""
    from scipy.ndimage import gaussian_filter  # type: ignore[attr-defined]

    field = gaussian_filter(rng.standard_normal(film.shape), len(film) / 10)
    result = np.empty_like(film)
    result.flat[np.argsort(field, axis=None)] = np.sort(film, axis=None)
    return result


_SPOIL = {
    "blurred": _blurred,
    "noisy": _noisy,
    "badly exposed": _badly_exposed,
    "rotated": _rotated,
    "not a chest": _not_a_chest,
}
