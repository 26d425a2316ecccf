"""Films that should not be trained on: five tests of the picture, nearness to bad exemplars, thresholds and recall."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, UInt8

from medsuite.core.errors import InputError
from medsuite.core.stats import Interval, wilson_interval

Films = Float[np.ndarray, "film height width"]
Scores = Float[np.ndarray, "film"]

EXEMPLAR = "near a bad exemplar"


@dataclass(frozen=True)
class Curator:
    """Rejects films; each test has a threshold above which a film is suspect.

    SynCXR asks a multimodal model six questions on each film and rejects also what resembles a rejected film. Here the
    questions are tests of the picture, and resemblance is the cosine of small standardised pictures.

    Attributes:
        thresholds: For each test, the largest score that is accepted.
        reference: Mean of good films, which tells a chest and its orientation.
        exemplars: Standardised bad films.
    """

    thresholds: Mapping[str, float]
    reference: Float[np.ndarray, "height width"]
    exemplars: Float[np.ndarray, "exemplar feature"]

    @classmethod
    def fit(
        cls, films: UInt8[np.ndarray, "film height width"], bad: Bool[np.ndarray, "film"], allowed: float = 0.01
    ) -> "Curator":
        """Choose thresholds on films that somebody has looked at.

        Args:
            films: Looked-at films.
            bad: Which of them are bad.
            allowed: Share of the good ones that each test may reject.

        Raises:
            InputError: There are fewer than 20 good films or no bad one, or `allowed` is no small share.
        """
        if (~bad).sum() < 20 or not bad.any():
            given = f"{int((~bad).sum())} good and {int(bad.sum())} bad films"
            raise InputError(given, expected="at least 20 good ones and one bad")
        if not 0 <= allowed < 0.5:
            raise InputError(f"allowed {allowed}", expected="a share from 0 to below 0.5")
        pictures = _unit(films)
        good, reference = pictures[~bad], pictures[~bad].mean(0)
        thresholds = {name: float(np.quantile(test(good, reference), 1 - allowed)) for name, test in TESTS.items()}
        exemplars = features(pictures[bad])
        nearness = (features(good) @ exemplars.T).max(1)
        return cls(thresholds | {EXEMPLAR: float(np.quantile(nearness, 1 - allowed))}, reference, exemplars)

    def suspect(self, films: UInt8[np.ndarray, "film height width"]) -> dict[str, Bool[np.ndarray, "film"]]:
        """Tell for each test which films it rejects.

        Raises:
            InputError: The films have another size than those that the thresholds were chosen on.
        """
        if films.shape[1:] != self.reference.shape:
            raise InputError(f"films of {films.shape[1:]} pixels", expected=f"{self.reference.shape}")
        pictures = _unit(films)
        scores = {name: test(pictures, self.reference) for name, test in TESTS.items()}
        scores[EXEMPLAR] = (features(pictures) @ self.exemplars.T).max(1)
        return {name: score > self.thresholds[name] for name, score in scores.items()}

    def reject(self, films: UInt8[np.ndarray, "film height width"]) -> Bool[np.ndarray, "film"]:
        """Tell which films any test rejects."""
        return np.any(list(self.suspect(films).values()), axis=0)


@dataclass(frozen=True)
class Curation:
    """How well rejection finds bad films.

    Attributes:
        precision: Share of the rejected that are bad, with Wilson's interval; None if nothing is rejected.
        recall: Share of the bad that are rejected.
        lost: For each class, the share of its good films that are rejected; curation that removes rare findings is
            the trap to look for.
    """

    precision: Interval | None
    recall: Interval
    lost: Mapping[str, float]


def measure_curation(
    rejected: Bool[np.ndarray, "film"],
    bad: Bool[np.ndarray, "film"],
    labels: Bool[np.ndarray, "film class"],
    classes: tuple[str, ...],
) -> Curation:
    """Compare rejections with the truth.

    Args:
        rejected: What a curator rejects.
        bad: What is bad.
        labels: Findings of each film.
        classes: Names of the columns of `labels`.

    Raises:
        InputError: No film is bad, so that there is no recall.
    """
    if not bad.any():
        raise InputError("no bad film", expected="at least one, to measure recall")
    found = int((rejected & bad).sum())
    precision = wilson_interval(found, int(rejected.sum())) if rejected.any() else None
    good = labels[~bad]
    lost = {name: _share(rejected[~bad][good[:, place]]) for place, name in enumerate(classes)}
    return Curation(precision, wilson_interval(found, int(bad.sum())), lost)


def features(films: Films) -> Float[np.ndarray, "film feature"]:
    """Return small standardised pictures as unit vectors: each film averaged to about 12 pixels a side.

    The paper compares RAD-DINO features; any encoder's unit vectors can take this place in the same comparison.
    """
    step = max(1, films.shape[1] // 12)
    side = films.shape[1] // step * step
    small = films[:, :side, :side].reshape(len(films), side // step, step, side // step, step).mean((2, 4))
    return _standardised(small)


def _sharpness(films: Films, _reference: np.ndarray) -> Scores:
    """Score blur: minus the logarithm of the Laplacian's energy over the film's variance."""
    return -np.log(_laplacian_energy(films) / np.maximum(films.var((1, 2)), 1e-6) + 1e-6)


def _noise(films: Films, reference: np.ndarray) -> Scores:
    """Score noise: the logarithm of the Laplacian's energy over the variance."""
    return -_sharpness(films, reference)


def _exposure(films: Films, _reference: np.ndarray) -> Scores:
    """Score exposure: the larger of the shares of black and of white pixels in the middle."""
    edge = films.shape[1] // 8
    middle = films[:, edge:-edge, edge:-edge]
    return np.maximum((middle <= 0.01).mean((1, 2)), (middle >= 0.99).mean((1, 2)))


def _orientation(films: Films, reference: np.ndarray) -> Scores:
    """Score rotation: how much better the film fits the reference when it is turned by a quarter or more."""
    upright = _correlation(films, reference)
    turned = [_correlation(np.rot90(films, times, (1, 2)), reference) for times in (1, 2, 3)]
    return np.max(turned, axis=0) - upright


def _strangeness(films: Films, reference: np.ndarray) -> Scores:
    """Score what is no chest: one minus the best correlation with the reference in any orientation."""
    return 1 - np.max([_correlation(np.rot90(films, times, (1, 2)), reference) for times in range(4)], axis=0)


TESTS: Mapping[str, Callable[[Films, np.ndarray], Scores]] = {
    "blurred": _sharpness,
    "noisy": _noise,
    "badly exposed": _exposure,
    "rotated": _orientation,
    "not a chest": _strangeness,
}
"""The tests by what they look for; each takes square films and the reference, and is larger for worse films."""


def _unit(films: UInt8[np.ndarray, "film height width"]) -> Films:
    if films.ndim != 3 or films.shape[1] != films.shape[2] or films.shape[1] < 16:
        raise InputError(f"films of shape {films.shape}", expected="square films of at least 16 pixels")
    return films.astype(np.float64) / 255


def _laplacian_energy(films: Films) -> Scores:
    middle = films[:, 1:-1, 1:-1]
    around = films[:, :-2, 1:-1] + films[:, 2:, 1:-1] + films[:, 1:-1, :-2] + films[:, 1:-1, 2:]
    return (around - 4 * middle).var((1, 2))


def _standardised(films: Films) -> Float[np.ndarray, "film pixel"]:
    flat = films.reshape(len(films), -1)
    centred = flat - flat.mean(1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)


def _correlation(films: Films, reference: np.ndarray) -> Scores:
    return _standardised(films) @ _standardised(reference[None])[0]


def _share(values: Bool[np.ndarray, "film"]) -> float:
    return float(values.mean()) if len(values) else float("nan")
