"""What a person wants to know of a recording before using it."""

import math

import numpy as np

from medsuite.ecg_align.leads import LEADS12
from medsuite.ecg_align.recording import Recording
from medsuite.ecg_align.units import median_range

CONTRADICTION = 30.0
"""Defect of a limb lead in µV from which on it is called a contradiction."""


def describe(recording: Recording) -> str:
    """Return lines on length, leads, lost samples, limb identities, and what the file says itself."""
    lost = 100 * float((~recording.valid).mean())
    lines = [
        f"{recording.source}: {recording.seconds:g} s at {recording.rate:g} Hz, median range "
        f"{median_range(np.where(recording.valid, recording.signal, np.nan)):.2f} mV, {lost:.2g} % of the samples lost",
        f"leads: {', '.join(recording.leads)}",
    ]
    unknown = [name for name in recording.leads if name not in LEADS12]
    lines += [f"not among the standard twelve: {', '.join(unknown)}"] if unknown else []
    if {"I", "II"} <= set(recording.leads):
        lines += [_identity(name, defect) for name, defect in recording.limb_residual().items()]
    for key in ("uncalibrated", "statements", "comments"):
        if recording.meta.get(key):
            lines.append(f"{key}: {'; '.join(recording.meta[key])}")
    for name, (value, unit) in recording.meta.get("measurements", {}).items():
        lines.append(f"{name}: {value:g} {unit}")
    return "\n".join(lines)


def _identity(name: str, defect: float) -> str:
    if math.isnan(defect):
        return f"{name} cannot be compared with I and II: no sample is valid in all three"
    judgement = "contradicts I and II" if defect > CONTRADICTION else "agrees with I and II"
    return f"{name} {judgement}: {defect:.2f} µV root mean square"
