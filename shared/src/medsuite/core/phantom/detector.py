"""From line integrals to a film: beam hardening, scatter, blur, quantum noise, logarithm and window.

Beer-Lambert for a spectrum with weights w and relative attenuation r of mean 1 is -log Σ wₖ exp(-rₖ L). Its expansion
to the second cumulant, with h = Var(r), is the approximation used here:

    P(L) = L - h L² / 2.

With I = exp(-P) the primary radiation, scatter S is a Gaussian blur of I P, the forward scatter of Ohnesorge et al.
(1999), which is zero for the open beam; it is scaled to a stated share of what reaches the film behind the patient.
Quanta are Poisson with mean N p² (I + S) for N quanta per mm² before the patient and pixel pitch p. The film is the
-log of the counts, less a share of its own wide blur (the dynamic range compression of digital systems), windowed
between two percentiles of its middle; it is bright where attenuation is high.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError

Image = Float[np.ndarray, "film height width"]


@dataclass(frozen=True)
class Acquisition:
    """How a film is taken; the defaults are a good digital radiograph.

    Attributes:
        field_of_view_mm: Width and height of the film in the patient.
        photons_per_mm2: Quanta per mm² that would reach the detector without the patient; `inf` for no noise.
        exposure_spread: Standard deviation of the logarithm of the exposure between films.
        scatter_fraction: Share of scatter in all that reaches the film behind the patient, after the grid.
        scatter_mm: Standard deviation of the scatter kernel.
        blur_mm: Standard deviation of the detector's point spread, whose MTF is exp(-2π²σ²f²).
        hardening: Variance of the relative attenuation over the spectrum; 0 for one energy.
        compression: Share of the blurred film that is subtracted, 0 for the plain logarithm.
        compression_mm: Standard deviation of that blur.
        window: Percentiles of the middle of the film that become 0 and 1.
        visible_difference: Difference of the log signal from which a pixel belongs to a finding.
        rose: Contrast-to-noise ratio over the area from which a finding is visible (Rose's criterion).
    """

    field_of_view_mm: float = 345.0
    photons_per_mm2: float = 40000.0
    exposure_spread: float = 0.2
    scatter_fraction: float = 0.45
    scatter_mm: float = 32.0
    blur_mm: float = 0.35
    hardening: float = 0.03
    compression: float = 0.5
    compression_mm: float = 22.0
    window: tuple[float, float] = (0.5, 99.7)
    visible_difference: float = 0.05
    rose: float = 5.0

    @classmethod
    def ideal(cls) -> "Acquisition":
        """Return an acquisition without scatter, blur, noise, beam hardening and compression."""
        return cls(
            photons_per_mm2=math.inf,
            exposure_spread=0.0,
            scatter_fraction=0.0,
            blur_mm=0.0,
            hardening=0.0,
            compression=0.0,
        )

    def __post_init__(self) -> None:
        positive = ("field_of_view_mm", "photons_per_mm2", "scatter_mm", "compression_mm", "visible_difference", "rose")
        for name in positive:
            if not getattr(self, name) > 0:
                raise InputError(f"{name} {getattr(self, name)}", expected="a positive number")
        if math.isfinite(self.photons_per_mm2) and self.photons_per_mm2 > 1e12:
            raise InputError(f"photons_per_mm2 {self.photons_per_mm2}", expected="at most 1e12, or inf for no noise")
        for name in ("exposure_spread", "blur_mm"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name} {getattr(self, name)}", expected="a finite number of at least 0")
        for name in ("scatter_fraction", "compression"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)}", expected="a share from 0 to below 1")
        if not 0 <= self.hardening <= 0.05:
            raise InputError(f"hardening {self.hardening}", expected="from 0 to 0.05, where the expansion holds")
        if not 0 <= self.window[0] < self.window[1] <= 100:
            raise InputError(f"window {self.window}", expected="two rising percentiles from 0 to 100")


@lru_cache(maxsize=32)
def _wide_kernel(size: int, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Factor the matrix that blurs a line of pixels with a Gaussian; its rows sum to one, so flat stays flat.

    A wide Gaussian is numerically of low rank (about 2.5 size / sigma), which the singular values show.
    """
    distance = np.arange(size)[:, None] - np.arange(size)
    kernel = np.exp(-0.5 * (distance / sigma) ** 2)
    left, values, right = np.linalg.svd(kernel / kernel.sum(1, keepdims=True))
    rank = int((values > 1e-5).sum())
    return (left[:, :rank] * values[:rank]).astype(np.float32), right[:rank].astype(np.float32)


def blur(image: Image, sigma: float) -> Image:
    """Blur with a Gaussian of standard deviation `sigma` pixels.

    Short kernels are convolved; wide ones are products with low-rank matrices, O(size³ / sigma) a film.
    """
    if sigma < 2:
        from scipy.ndimage import gaussian_filter  # type: ignore[attr-defined]

        return gaussian_filter(image, (0, sigma, sigma), mode="nearest", truncate=4.0)
    left, right = _wide_kernel(image.shape[-1], sigma)
    return left @ (right @ image @ right.T) @ left.T


def harden(line_integral: Float[np.ndarray, "*shape"], hardening: float) -> Float[np.ndarray, "*shape"]:
    """Return the effective line integral of a spectrum, P = L - h L² / 2; it stays at its maximum beyond L = 1 / h."""
    length = np.minimum(line_integral, 1 / hardening) if hardening else line_integral
    return length - 0.5 * hardening * length * length


def _scatter(primary: Image, path: Image, acquisition: Acquisition, pitch: float) -> Image:
    """Return the scattered radiation S = c · blur(I P), with c such that its share behind the patient is as stated."""
    if not acquisition.scatter_fraction:
        return np.zeros_like(primary)
    ratio = acquisition.scatter_fraction / (1 - acquisition.scatter_fraction)
    source = primary * path
    behind = np.where(path > 0.05, primary, 0).sum((1, 2), keepdims=True)
    scale = ratio * behind / np.maximum(source.sum((1, 2), keepdims=True), 1e-9)
    return scale * blur(source, acquisition.scatter_mm / pitch)


@dataclass(frozen=True)
class Exposure:
    """What reaches the detector, on average.

    Attributes:
        primary: Share of the quanta that pass without interaction.
        total: The same plus scatter, after the blur of the detector.
        quanta: Quanta per pixel without the patient, for each film; `inf` for no noise.
    """

    primary: Image
    total: Image
    quanta: Float[np.ndarray, "film 1 1"]

    def signal(self, difference: Float[np.ndarray, "finding height width"], film: np.ndarray) -> np.ndarray:
        """Return by how much effective line integrals change the -log of the film, as scatter dilutes them."""
        return difference * (self.primary[film] / self.total[film])

    def noise(self, film: np.ndarray) -> Float[np.ndarray, "finding height width"]:
        """Return the standard deviation of the -log of the film in each pixel, 1/√counts."""
        return 1 / np.sqrt(self.quanta[film] * self.total[film])


def expose(
    line_integral: Image, generators: Sequence[np.random.Generator], acquisition: Acquisition, pitch: float
) -> Exposure:
    """Send the beam through the patients.

    Args:
        line_integral: ∫μ dy of each film.
        generators: One for each film, asked for its exposure.
        acquisition: How the films are taken.
        pitch: Distance of pixel centres, mm.
    """
    path = harden(line_integral, acquisition.hardening)
    primary = np.exp(-path)
    total = blur(primary + _scatter(primary, path, acquisition, pitch), acquisition.blur_mm / pitch)
    spread = [np.exp(acquisition.exposure_spread * rng.standard_normal()) for rng in generators]
    quanta = acquisition.photons_per_mm2 * pitch**2 * np.array(spread)
    return Exposure(primary, total, quanta.astype(np.float32)[:, None, None])


def count(exposure: Exposure, generators: Sequence[np.random.Generator]) -> Image:
    """Return the share of quanta that the detector counts in each pixel: Poisson over the quanta sent."""
    if not np.isfinite(exposure.quanta).all():
        return exposure.total
    mean = exposure.quanta * exposure.total
    counts = np.stack([rng.poisson(film) for rng, film in zip(generators, mean, strict=True)])
    return np.maximum(counts, 0.5).astype(np.float32) / exposure.quanta


def develop(counted: Image, acquisition: Acquisition, pitch: float) -> Image:
    """Turn counted shares into a film from 0 (dark) to 1 (bright)."""
    film = -np.log(counted)
    if acquisition.compression:
        film = film - acquisition.compression * blur(film, acquisition.compression_mm / pitch)
    edge = film.shape[-1] // 8
    middle = film[:, edge : film.shape[1] - edge, edge : film.shape[2] - edge].reshape(len(film), -1)
    low, high = np.percentile(middle, acquisition.window, axis=1).astype(np.float32)[..., None, None]
    return np.clip((film - low) / np.maximum(high - low, 1e-6), 0, 1)
