"""What can be seen of each finding: masks, boxes and contrast-to-noise ratios from the difference that it makes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from medsuite.core.phantom.detector import Acquisition, Exposure, harden
from medsuite.core.phantom.findings import Finding
from medsuite.core.phantom.projection import Projection


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


def find_visible(
    findings: Sequence[Finding], projection: Projection, exposure: Exposure, acquisition: Acquisition
) -> tuple[Bool[np.ndarray, "finding height width"], Float[np.ndarray, " finding"]]:
    """Return masks of findings, empty if not visible, and their contrast-to-noise ratios.

    The signal of a finding is the change of the effective line integral times the share of primary radiation, which
    is how much scatter leaves of it on the film: the same nodule counts less behind the heart than in the open lung.
    Over the mask M the ratio is Σ signal / √Σ σ², with σ² = 1/counts the variance of the -log of Poisson counts.

    Args:
        findings: Those of all films, film by film.
        projection: Line integrals, and their changes by each finding.
        exposure: What reaches the detector.
        acquisition: Thresholds and beam hardening.
    """
    film, whole = projection.film, projection.line_integral[projection.film]
    change = harden(whole, acquisition.hardening) - harden(whole - projection.difference, acquisition.hardening)
    signal = exposure.signal(change, film)
    direction = np.array([np.sign(finding.attenuation) for finding in findings], np.float32)[:, None, None]
    mask = np.asarray(signal * direction >= acquisition.visible_difference)
    spread = np.sqrt(np.sum(exposure.noise(film) ** 2, (1, 2), where=mask))
    total = np.sum(signal, (1, 2), where=mask)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(total == 0, np.float32(0), total / spread)
    return mask & (np.abs(ratio) >= acquisition.rose)[:, None, None], ratio


def boxes(mask: Bool[np.ndarray, "finding height width"]) -> Float[np.ndarray, "finding 4"]:
    """Return the smallest boxes around masks: x0, y0, x1, y1 in pixels, the end exclusive; NaN for an empty mask."""
    columns, rows = np.any(mask, axis=1), np.any(mask, axis=2)
    ends = [lines.shape[1] - np.argmax(lines[:, ::-1], axis=1) for lines in (columns, rows)]
    found = np.stack([np.argmax(columns, axis=1), np.argmax(rows, axis=1), *ends], 1).astype(np.float32)
    return np.where(np.any(columns, axis=1)[:, None], found, np.float32(np.nan))
