"""Write recordings as WFDB records in format 16, to the microvolt."""

from pathlib import Path

import numpy as np

from medsuite.core.errors import InputError
from medsuite.ecg_align.recording import Recording

GAIN = 1000.0
"""Counts per mV: a count is a microvolt."""


def write_wfdb(recording: Recording, folder: str | Path, name: str) -> Path:
    """Write `NAME.hea` and `NAME.dat`; samples are rounded to 1 µV and invalid ones marked as lost.

    Args:
        recording: What to write.
        folder: Folder that exists.
        name: Record name: letters, digits, hyphens and underscores.

    Returns:
        The header file.

    Raises:
        InputError: The name is not one, the folder does not exist, or a voltage lies beyond ±32.767 mV.
    """
    target = Path(folder)
    if not name.replace("-", "").replace("_", "").isalnum():
        raise InputError(f"record name {name!r}", expected="letters, digits, hyphens and underscores")
    if not target.is_dir():
        raise InputError(f"{target} is not a folder that exists")
    filled = np.where(recording.valid, recording.signal * GAIN, 0.0)
    if np.abs(filled).max() > 32767:
        raise InputError(
            f"{recording.source} reaches {np.abs(filled).max() / GAIN:.0f} mV", expected="at most 32.767 mV"
        )
    counts = np.where(recording.valid, np.rint(filled), -32768).astype("<i2").T
    counts.tofile(target / f"{name}.dat")
    lines = [f"{name} {len(recording.leads)} {recording.rate:g} {len(counts)}"]
    for lead, column in zip(recording.leads, counts.T, strict=True):
        checksum = int(column.sum(dtype=np.int64)) & 0xFFFF
        signed = checksum - 0x10000 if checksum > 0x7FFF else checksum
        lines.append(f"{name}.dat 16 {GAIN:g}(0)/mV 16 0 {column[0]} {signed} 0 {lead}")
    lines += [f"# {finding}" for finding in recording.meta.get("findings", ())]
    header = target / f"{name}.hea"
    header.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return header
