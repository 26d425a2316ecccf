"""Resampling that is exact on straight lines and on frequencies below both Nyquist limits."""

import numpy as np
from jaxtyping import Float


def resample(
    signal: Float[np.ndarray, "lead sample"], rate: float, new_rate: float
) -> Float[np.ndarray, "lead new_sample"]:
    """Resample by the Fourier method after taking off the straight line from the first to the last sample.

    The Fourier method repeats the signal, so that a drift wraps around: 1 mV over the record leaves an error of
    0.4 mV at its ends. The line carries the drift, is exact at any rate, and is put back. O(n log n).

    Args:
        signal: Samples at `rate`.
        rate: Sampling rate in Hz.
        new_rate: Wanted rate in Hz; the number of samples is rounded, and sample k stays at k / new_rate seconds.

    Returns:
        round(n new_rate / rate) samples, at least one.
    """
    # SciPy re-exports it by a star import, which the type checker does not follow.
    from scipy.signal import resample as fourier  # type: ignore[attr-defined]

    count = signal.shape[1]
    wanted = max(1, round(count * new_rate / rate))
    slope = (signal[:, -1:] - signal[:, :1]) / max(1, count - 1)
    steps = np.arange(count)
    new_steps = np.arange(wanted) * (count / wanted)
    line = signal[:, :1] + slope * steps
    return fourier(signal - line, wanted, axis=1) + signal[:, :1] + slope * new_steps
