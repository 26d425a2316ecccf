"""WFDB records: 16-bit files are read directly, everything else by the `wfdb` package, to the same samples."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from medsuite.core.errors import InputError, require
from medsuite.ecg_align import units as voltage
from medsuite.ecg_align.leads import canonical_names
from medsuite.ecg_align.readers.wfdb_header import Header, read_header
from medsuite.ecg_align.recording import Recording

LOST = -32768
"""The count by which format 16 marks a sample that was lost."""


def read_wfdb(path: str | Path, *, units: str | None = None, strict: bool = True) -> Recording:
    """Read a WFDB record in mV, each lead by its own gain, baseline and unit.

    The voltage is (count - baseline) / gain in the lead's unit, the samples of `wfdb.rdrecord` bit for bit where
    that unit is mV. Where `wfdb` is silent this reader is not: two units in one record are both converted, a header
    that names no unit is believed to mean mV only if the range is one of an electrocardiogram, and a header that
    announces another number of samples than the file holds is refused. O(samples).

    Args:
        path: The header file.
        units: Unit of leads for which the header names none.
        strict: Refuse a signal file with more samples than announced; False reads the announced ones.

    Raises:
        InputError: The header or the signal file is missing, broken, cut, or names a file outside its folder; a
            lead comes twice; a unit is unknown; the voltages are implausible.
        MissingDependencyError: The record needs the `wfdb` package.
    """
    header = read_header(Path(path))
    for signal in header.signals:
        _check_inside(header, signal.file)
    physical, lost = _read_direct(header, strict) if _is_simple(header) else _read_by_wfdb(header)
    named = [signal.unit or units or "mV" for signal in header.signals]
    signal = physical * np.array([[voltage.factor(unit)] for unit in named])
    names = canonical_names([signal.description or signal.file for signal in header.signals], str(header.path))
    if units is None and any(signal.unit is None for signal in header.signals):
        voltage.check_plausible(signal, f"{header.path} names no unit")
    valid = np.isfinite(signal) & ~lost
    return Recording(signal, names, header.rate, valid, _meta(header, names), str(header.path))


def _meta(header: Header, names: tuple[str, ...]) -> dict[str, Any]:
    meta: dict[str, Any] = {"comments": header.comments, "start": header.start, "encoding": header.encoding}
    meta["units"] = tuple(signal.unit for signal in header.signals)
    uncalibrated = tuple(name for name, signal in zip(names, header.signals, strict=True) if not signal.calibrated)
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
    samples = _checked_length(header, counts.size, strict)
    table = counts[: samples * signals].reshape(samples, signals)
    baselines = np.array([signal.baseline for signal in header.signals], dtype=np.float64)
    gains = np.array([signal.gain for signal in header.signals])
    physical = (table.astype(np.float64) - baselines) / gains
    lost = table == LOST
    physical[lost] = np.nan
    return np.ascontiguousarray(physical.T), np.ascontiguousarray(lost.T)


def _checked_length(header: Header, counts: int, strict: bool) -> int:
    held, rest = divmod(counts, len(header.signals))
    announced = header.samples if header.samples is not None else held
    cut = announced > held
    spare = strict and (announced < held or rest != 0)
    if cut or spare or announced == 0:
        raise InputError(
            f"{header.path} announces {announced} samples of {len(header.signals)} leads and {header.signals[0].file} "
            f"holds {counts / len(header.signals):g}",
            expected="the same number, and at least one",
            fix="the file is cut" if cut or announced == 0 else "strict=False reads the announced ones",
        )
    return announced


def _read_by_wfdb(header: Header) -> tuple[Float[np.ndarray, "lead sample"], Bool[np.ndarray, "lead sample"]]:
    if header.segments > 1:
        raise InputError(f"{header.path} has {header.segments} segments", expected="a record of one segment")
    if not header.signals:
        raise InputError(f"{header.path} has no signal", expected="at least one lead")
    wfdb = require("wfdb", extra="medsuite-ecg-align[wfdb]")
    try:
        record = wfdb.rdrecord(str(header.path.with_suffix("")), return_res=64)
    except (ValueError, IndexError, OSError) as error:
        raise InputError(f"{header.path}: {error}", expected="a WFDB record whose files are complete") from error
    physical = np.ascontiguousarray(record.p_signal.T)
    return physical, np.isnan(physical)
