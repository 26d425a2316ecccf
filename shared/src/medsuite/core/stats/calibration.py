"""Calibration of probabilities: reliability diagram, expected calibration error, Brier score and its decomposition."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, Shaped

from medsuite.core.errors import InputError, unknown_name
from medsuite.core.stats.checks import binary, probabilities, same_length

Binning = Literal["width", "mass"]


@dataclass(frozen=True, eq=False)
class Reliability:
    """The bins of a reliability diagram that hold at least one case.

    Attributes:
        counts: Number of cases.
        confidence: Mean predicted probability.
        frequency: Observed frequency of the outcome.
    """

    counts: Int[np.ndarray, "bin"]
    confidence: Float[np.ndarray, "bin"]
    frequency: Float[np.ndarray, "bin"]

    @property
    def expected_error(self) -> float:
        """Mean gap of confidence and frequency over cases (ECE)."""
        return float(self.counts @ np.abs(self.confidence - self.frequency) / self.counts.sum())

    @property
    def maximum_error(self) -> float:
        """Largest gap of confidence and frequency (MCE)."""
        return float(np.abs(self.confidence - self.frequency).max())


@dataclass(frozen=True)
class BrierDecomposition:
    """The parts of a Brier score: score = reliability - resolution + uncertainty + within_bin.

    Attributes:
        reliability: Mean squared gap of confidence and frequency; 0 if calibrated.
        resolution: Mean squared distance of the frequencies from the base rate; the more the better.
        uncertainty: Variance of the outcome, base rate x (1 - base rate).
        within_bin: What binning hides: variance of the probabilities within bins, less twice their
            covariance with the outcome.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within_bin: float

    @property
    def score(self) -> float:
        """The Brier score that the parts add up to."""
        return self.reliability - self.resolution + self.uncertainty + self.within_bin


def reliability(
    predicted: Shaped[np.ndarray, "case"],
    outcomes: Shaped[np.ndarray, "case"],
    *,
    bins: int = 15,
    binning: Binning = "width",
) -> Reliability:
    """Collect predictions into the bins of a reliability diagram (Murphy and Winkler 1977); O(n log n).

    Bins are (low, high], as in Guo et al. (2017). For a classifier of several classes, give the probability of the
    chosen class and whether it was right.

    Args:
        predicted: Predicted probability of the outcome.
        outcomes: 1 or True where it occurred.
        bins: Number of bins.
        binning: `"width"` for bins of equal width on [0, 1], `"mass"` for adaptive bins of equal number of cases
            (Nixon et al. 2019); tied probabilities stay together.

    Raises:
        InputError: No cases, a probability outside [0, 1], an outcome that is not binary, or no bins.
    """
    checked, occurred, bin_of_case = _binned(predicted, outcomes, bins, binning)
    counts = np.bincount(bin_of_case)
    return Reliability(
        counts,
        np.bincount(bin_of_case, weights=checked) / counts,
        np.bincount(bin_of_case, weights=occurred) / counts,
    )


def expected_calibration_error(
    predicted: Shaped[np.ndarray, "case"],
    outcomes: Shaped[np.ndarray, "case"],
    *,
    bins: int = 15,
    binning: Binning = "width",
) -> float:
    """Return the ECE, Σ_b (n_b / n) abs(confidence_b - frequency_b) (Naeini et al. 2015; Guo et al. 2017, eq. 3).

    Biased upwards in small samples: of calibrated predictions it is about √(2 p (1 - p) / (π n_b)), not zero.

    Args:
        predicted: Predicted probability of the outcome.
        outcomes: 1 or True where it occurred.
        bins: Number of bins.
        binning: `"width"` or `"mass"`, as for `reliability`.

    Raises:
        InputError: As for `reliability`.
    """
    return reliability(predicted, outcomes, bins=bins, binning=binning).expected_error


def brier_score(predicted: Shaped[np.ndarray, "case"], outcomes: Shaped[np.ndarray, "case"]) -> float:
    """Return the mean squared difference of probability and outcome (Brier 1950, for one of two classes).

    Args:
        predicted: Predicted probability of the outcome.
        outcomes: 1 or True where it occurred.

    Raises:
        InputError: No cases, a probability outside [0, 1], or an outcome that is not binary.
    """
    checked, occurred = _cases(predicted, outcomes)
    return float(np.mean((checked - occurred) ** 2))


def brier_decomposition(
    predicted: Shaped[np.ndarray, "case"],
    outcomes: Shaped[np.ndarray, "case"],
    *,
    bins: int = 10,
    binning: Binning = "width",
) -> BrierDecomposition:
    """Split the Brier score into reliability, resolution and uncertainty (Murphy 1973).

    Exact for any bins through the two terms within bins that Stephenson et al. (2008) add; they vanish when all
    probabilities of a bin are equal.

    Args:
        predicted: Predicted probability of the outcome.
        outcomes: 1 or True where it occurred.
        bins: Number of bins.
        binning: `"width"` or `"mass"`, as for `reliability`.

    Raises:
        InputError: As for `reliability`.
    """
    checked, occurred, bin_of_case = _binned(predicted, outcomes, bins, binning)
    diagram = reliability(predicted, outcomes, bins=bins, binning=binning)
    share, rate = diagram.counts / len(checked), float(occurred.mean())
    around_confidence = checked - diagram.confidence[bin_of_case]
    around_frequency = occurred - diagram.frequency[bin_of_case]
    return BrierDecomposition(
        reliability=float(share @ (diagram.confidence - diagram.frequency) ** 2),
        resolution=float(share @ (diagram.frequency - rate) ** 2),
        uncertainty=rate * (1 - rate),
        within_bin=float(np.mean(around_confidence**2 - 2 * around_confidence * around_frequency)),
    )


def _cases(
    predicted: Shaped[np.ndarray, "case"], outcomes: Shaped[np.ndarray, "case"]
) -> tuple[Float[np.ndarray, "case"], Float[np.ndarray, "case"]]:
    same_length(predicted=predicted, outcomes=outcomes)
    if not len(predicted):
        raise InputError("no cases", expected="at least one probability with its outcome")
    return probabilities(predicted, "predicted"), binary(outcomes, "outcomes").astype(np.float64)


def _binned(
    predicted: Shaped[np.ndarray, "case"], outcomes: Shaped[np.ndarray, "case"], bins: int, binning: Binning
) -> tuple[Float[np.ndarray, "case"], Float[np.ndarray, "case"], Int[np.ndarray, "case"]]:
    checked, occurred = _cases(predicted, outcomes)
    if bins < 1:
        raise InputError(f"{bins} bins", expected="at least 1")
    if binning not in ("width", "mass"):
        raise unknown_name("binning", binning, ("width", "mass"))
    edges = np.linspace(0, 1, bins + 1)[1:-1] if binning == "width" else _edges_of_equal_mass(checked, bins)
    _, occupied = np.unique(np.searchsorted(edges, checked), return_inverse=True)
    return checked, occurred, occupied


def _edges_of_equal_mass(predicted: Float[np.ndarray, "case"], bins: int) -> Float[np.ndarray, "edge"]:
    # Values that occur, by whole-number arithmetic: interpolated quantiles miss a tied value by the last digit.
    last_of_bin = -(-len(predicted) * np.arange(1, bins) // bins) - 1
    return np.sort(predicted)[last_of_bin]
