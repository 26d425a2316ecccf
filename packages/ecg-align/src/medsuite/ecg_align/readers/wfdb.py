"""WFDB records: 16-bit files are read directly, everything else by the `wfdb` package, to the same samples."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from medsuite.core.errors import InputError, require
from medsuite.ecg_align import units as voltage
from medsuite.ecg_align.leads import canonical, canonical_names, positions
from medsuite.ecg_align.readers.wfdb_header import Header, Signal, read_header
from medsuite.ecg_align.recording import Recording

LOST = -32768
"""The count by which format 16 marks a sample that was lost."""

BYTES_PER_SAMPLE = {
    "8": 1,
    "16": 2,
    "24": 3,
    "32": 4,
    "61": 2,
    "80": 1,
    "160": 2,
    "212": 1.5,
    "310": 4 / 3,
    "311": 4 / 3,
}
"""Size of a sample in each storage format that does not compress (WFDB Applications Guide, `signal(5)`)."""

COMPRESSED = ("508", "516", "524")
"""Formats whose size on disk tells nothing of the number of samples (FLAC)."""

PADDED = frozenset({"212", "310", "311"})
"""Formats that pack two or three samples together and fill the last pack up."""


def read_wfdb(
    path: str | Path, *, leads: Sequence[str] | None = None, units: str | None = None, strict: bool = True
) -> Recording:
    """Read a WFDB record in mV, each lead by its own gain, baseline and unit.

    The voltage is (count - baseline) / gain in the lead's unit, the samples of `wfdb.rdrecord` bit for bit where
    that unit is mV. Where `wfdb` is silent this reader is not: two units in one record are both converted, a header
    that names no unit is believed to mean mV only if the range is one of an electrocardiogram, and a header that
    announces another number of samples than the file holds is refused. O(samples).

    Args:
        path: The header file.
        leads: The leads to read, in the wanted order; all without it. Signals that are no voltage, such as
            respiration or pressure, have to be left out.
        units: Unit of leads for which the header names none.
        strict: Refuse a signal file with more samples than announced; False reads the announced ones.

    Raises:
        InputError: The header or the signal file is missing, broken, cut, or names a file outside its folder; a
            lead comes twice or is not there; a unit is unknown; the voltages are implausible.
        MissingDependencyError: The record needs the `wfdb` package.
    """
    if units is not None:
        voltage.factor(units)
    header = read_header(Path(path))
    for signal in header.signals:
        _check_inside(header, signal.file)
        if signal.format not in BYTES_PER_SAMPLE and signal.format not in COMPRESSED:
            known = ", ".join((*BYTES_PER_SAMPLE, *COMPRESSED))
            raise InputError(f"{header.path} names the storage format {signal.format}", expected=f"one of {known}")
    physical, lost = _read_direct(header, strict) if _is_simple(header) else _read_by_wfdb(header, strict)
    names, rows = _chosen(header, leads)
    chosen = [header.signals[row] for row in rows]
    factors = [
        voltage.factor(signal.unit or units or "mV", f"{header.path} lead {name}")
        for name, signal in zip(names, chosen, strict=True)
    ]
    signal = physical[rows] * np.array(factors)[:, None]
    if units is None and any(signal.unit is None for signal in chosen):
        voltage.check_plausible(signal, f"{header.path} names no unit")
    valid = np.isfinite(signal) & ~lost[rows]
    return Recording(signal, names, header.rate, valid, _meta(header, names, chosen), str(header.path))


def _chosen(header: Header, leads: Sequence[str] | None) -> tuple[tuple[str, ...], list[int]]:
    """Return the names of the wanted signals and where they stand."""
    unnamed = sum(not signal.description for signal in header.signals)
    if unnamed and len(header.signals) > 1:
        raise InputError(
            f"{header.path} gives {unnamed} of its {len(header.signals)} signals no name",
            expected="the lead at the end of each signal line",
        )
    described = [signal.description or signal.file for signal in header.signals]
    if leads is None:
        return canonical_names(described, str(header.path)), list(range(len(described)))
    rows = positions(leads, [canonical(name) for name in described])
    return canonical_names([described[row] for row in rows], str(header.path)), rows


def _meta(header: Header, names: tuple[str, ...], chosen: Sequence[Signal]) -> dict[str, Any]:
    meta: dict[str, Any] = {"comments": header.comments, "start": header.start, "encoding": header.encoding}
    meta["units"] = tuple(signal.unit for signal in chosen)
    uncalibrated = tuple(name for name, signal in zip(names, chosen, strict=True) if not signal.calibrated)
    return meta | ({"uncalibrated": uncalibrated} if uncalibrated else {})


def _is_simple(header: Header) -> bool:
    """Tell whether all signals lie interleaved in one file of 16-bit integers."""
    first = header.signals[0] if header.signals else None
    return first is not None and all(
        (signal.file, signal.offset) == (first.file, first.offset)
        and signal.format == "16"
        and signal.frame == 1
        and signal.skew == 0
        for signal in header.signals
    )


def _check_inside(header: Header, file: str) -> None:
    if "/" in file or "\\" in file or file in {"~", "-", "..", "."} or (header.path.parent / file).is_symlink():
        raise InputError(f"{header.path} names the signal file {file!r}", expected="a file in the header's own folder")
    if not (header.path.parent / file).is_file():
        raise InputError(f"{header.path} names the signal file {file}, which is not there")


def _read_direct(
    header: Header, strict: bool
) -> tuple[Float[np.ndarray, "lead sample"], Bool[np.ndarray, "lead sample"]]:
    first = header.signals[0]
    counts = np.fromfile(header.path.parent / first.file, "<i2", offset=first.offset)
    signals = len(header.signals)
    samples = _checked_length(header, first, strict)
    table = counts[: samples * signals].reshape(samples, signals)
    baselines = np.array([signal.baseline for signal in header.signals], dtype=np.float64)
    gains = np.array([signal.gain for signal in header.signals])
    physical = (table.astype(np.float64) - baselines) / gains
    lost = table == LOST
    physical[lost] = np.nan
    return np.ascontiguousarray(physical.T), np.ascontiguousarray(lost.T)


def _checked_length(header: Header, first: Signal, strict: bool) -> int:
    """Return the number of frames to read from the file of a signal, after comparing it with the file's size."""
    together = [signal for signal in header.signals if signal.file == first.file]
    size = (header.path.parent / first.file).stat().st_size - first.offset
    counts = max(0, size) / BYTES_PER_SAMPLE[first.format]
    a_frame = sum(signal.frame for signal in together)
    fill = 2 if first.format in PADDED else 0
    held = int(counts + 1e-6) // a_frame
    announced = header.samples if header.samples is not None else held
    cut = announced > held
    spare = strict and counts - announced * a_frame > fill + 1e-6
    if cut or spare or announced == 0:
        raise InputError(
            f"{header.path} announces {announced} samples of {len(together)} leads and {first.file} "
            f"holds {counts / a_frame:g}",
            expected="the same number, and at least one",
            fix="the file is cut" if cut or announced == 0 else "strict=False reads the announced ones",
        )
    return announced


def _read_by_wfdb(
    header: Header, strict: bool
) -> tuple[Float[np.ndarray, "lead sample"], Bool[np.ndarray, "lead sample"]]:
    if header.segments > 1:
        raise InputError(f"{header.path} has {header.segments} segments", expected="a record of one segment")
    if not header.signals:
        raise InputError(f"{header.path} has no signal", expected="at least one lead")
    for signal in {signal.file: signal for signal in header.signals}.values():
        if signal.format in BYTES_PER_SAMPLE:
            _checked_length(header, signal, strict)
    wfdb = require("wfdb", extra="medsuite-ecg-align[wfdb]")
    try:
        record = wfdb.rdrecord(str(header.path.with_suffix("")), return_res=64)
    except Exception as error:
        # The package meets a broken record with whatever it stumbles over; the cause stays attached for --debug.
        said = f"{type(error).__name__}: {error}"
        raise InputError(f"{header.path}: {said}", expected="a WFDB record whose files are complete") from error
    physical = np.ascontiguousarray(record.p_signal.T)
    return physical, np.isnan(physical)
