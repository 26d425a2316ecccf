"""Resampling that is exact on straight lines and on frequencies below both Nyquist limits."""

from fractions import Fraction

import numpy as np
from jaxtyping import Float

MOST_SAMPLES_APART = 10_000
"""Most samples after which old and new ones coincide again; rates in a stranger ratio are off by less than 1e-8."""


def resample(
    signal: Float[np.ndarray, "lead sample"], rate: float, new_rate: float
) -> Float[np.ndarray, "lead new_sample"]:
    """Resample by the Fourier method after taking off the straight line from the first to the last sample.

    The Fourier method repeats the signal, so that a drift wraps around: 1 mV over the record leaves an error of
    0.4 mV at its ends. The line carries the drift, is exact at any rate, and is put back. Where the record does not
    hold a whole number of new samples it is continued along the line until it does; the method alone would stretch
    it to fit. O(n log n).

    Args:
        signal: Samples at `rate`.
        rate: Sampling rate in Hz.
        new_rate: Wanted rate in Hz; sample k of the result is the voltage at k / new_rate seconds.

    Returns:
        round(n new_rate / rate) samples, at least one.
    """
    # SciPy re-exports it by a star import, which the type checker does not follow.
    from scipy.signal import resample as fourier  # type: ignore[attr-defined]

    count = signal.shape[1]
    wanted = max(1, round(count * new_rate / rate))
    ratio = Fraction(new_rate / rate).limit_denominator(MOST_SAMPLES_APART)
    slope = (signal[:, -1:] - signal[:, :1]) / max(1, count - 1)
    curve = signal - signal[:, :1] - slope * np.arange(count)
    curve = np.pad(curve, ((0, 0), (0, -count % ratio.denominator)))
    made = fourier(curve, curve.shape[1] // ratio.denominator * ratio.numerator, axis=1)[:, :wanted]
    return made + signal[:, :1] + slope * (np.arange(made.shape[1]) * (rate / new_rate))
