"""Write recordings as WFDB records in format 16, to the microvolt."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from medsuite.core.errors import InputError
from medsuite.core.runs import write_atomically
from medsuite.ecg_align.recording import Recording
from medsuite.ecg_align.simulate import Simulator

GAIN = 1000.0
"""Counts per mV: a count is a microvolt."""

AT_A_TIME = 128
"""Records that are simulated before they are written."""


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
    lines = [f"{name} {len(recording.leads)} {recording.rate:.15g} {len(counts)}"]
    for lead, column in zip(recording.leads, counts.T, strict=True):
        checksum = int(column.sum(dtype=np.int64)) & 0xFFFF
        signed = checksum - 0x10000 if checksum > 0x7FFF else checksum
        lines.append(f"{name}.dat 16 {GAIN:g}(0)/mV 16 0 {column[0]} {signed} 0 {lead}")
    lines += [f"# {finding}" for finding in recording.meta.get("findings", ())]
    write_atomically(target / f"{name}.dat", counts.tobytes())
    header = target / f"{name}.hea"
    write_atomically(header, "\n".join(lines) + "\n")
    return header


def write_simulated(simulator: Simulator, records: int, folder: str | Path, seed: int) -> Iterator[Path]:
    """Simulate records and write them as `simulated-00000.hea` and so on, some at a time: memory does not grow.

    Args:
        simulator: What draws them.
        records: Number of records.
        folder: Folder that exists.
        seed: Seed of the draw; a record depends on it and on the number of records before it.

    Yields:
        Each header file, once it is written.

    Raises:
        InputError: There is no such folder, or no record was asked for.
    """
    if records < 1:
        raise InputError(f"{records} records were asked for", expected="at least one")
    rng = np.random.default_rng(seed)
    for start in range(0, records, AT_A_TIME):
        batch = simulator.draw(min(AT_A_TIME, records - start), rng)
        for index in range(len(batch.labels)):
            yield write_wfdb(batch.recording(index), folder, f"simulated-{start + index:05d}")
