"""WFDB headers: the record line, one line per signal, and comments (WFDB Applications Guide, `header(5)`)."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from medsuite.core.errors import InputError

DEFAULT_GAIN = 200.0
"""Counts per physical unit where the header gives 0 or nothing, as `header(5)` prescribes."""

_RECORD = re.compile(
    r"(?P<name>[^\s/]+)(?:/(?P<segments>\d+))?\s+(?P<signals>\d+)"
    r"(?:\s+(?P<rate>[\d.eE+-]+)(?:/[\d.eE+-]+(?:\([\d.eE+-]+\))?)?(?:\s+(?P<samples>\d+))?(?:\s+(?P<start>.*))?)?$"
)
_SIGNAL = re.compile(
    r"(?P<file>\S+)\s+(?P<format>\d+)(?:x(?P<frame>\d+))?(?::(?P<skew>\d+))?(?:\+(?P<offset>\d+))?"
    r"(?:\s+(?P<gain>[\d.eE+-]+)(?:\((?P<baseline>-?\d+)\))?(?:/(?P<unit>\S+))?"
    r"(?:\s+(?P<resolution>\d+)(?:\s+(?P<zero>-?\d+)(?:\s+(?P<first>-?\d+)(?:\s+(?P<checksum>-?\d+)"
    r"(?:\s+(?P<block>\d+)(?:\s+(?P<description>.*))?)?)?)?)?)?)?$"
)


@dataclass(frozen=True)
class Signal:
    """One signal line.

    Attributes:
        file: Name of the signal file.
        format: Storage format; 16 is little-endian 16-bit integers.
        frame: Samples per frame.
        skew: Delay against the other signals in samples.
        offset: Bytes before the first sample.
        gain: Counts per unit.
        calibrated: False where the header gives no gain and the default stands in.
        baseline: Count that means zero.
        unit: The physical unit; None where the header names none.
        description: The lead's name, in most data sets.
    """

    file: str
    format: str
    frame: int
    skew: int
    offset: int
    gain: float
    calibrated: bool
    baseline: int
    unit: str | None
    description: str


@dataclass(frozen=True)
class Header:
    """A single-segment record's header.

    Attributes:
        path: The header file.
        rate: Frames per second.
        samples: Announced number of samples per signal; None where it is left to the signal file.
        segments: Number of segments; 1 for an ordinary record.
        start: Base time and date as written, or empty.
        signals: Signal lines in order.
        comments: Comment lines without the `#`.
        encoding: How the file's bytes were read.
    """

    path: Path
    rate: float
    samples: int | None
    segments: int
    start: str
    signals: tuple[Signal, ...]
    comments: tuple[str, ...]
    encoding: str


def read_header(path: Path) -> Header:
    """Read a header file.

    Raises:
        InputError: The file is missing or empty, or a line does not follow the format.
    """
    text, encoding = _decoded(path)
    lines = [line.strip() for line in text.splitlines()]
    content = [line for line in lines if line and not line.startswith("#")]
    comments = tuple(line.lstrip("#").strip() for line in lines if line.startswith("#"))
    record = _RECORD.match(content[0]) if content else None
    if record is None:
        given = f"begins with {content[0][:40]!r}" if content else "is empty"
        raise InputError(f"{path} {given}", expected="a WFDB record line: name, number of signals, rate, samples")
    segments, count = int(record["segments"] or 1), int(record["signals"])
    if segments == 1 and len(content) - 1 < count:
        raise InputError(f"{path} has {len(content) - 1} signal lines", expected=f"the {count} that it announces")
    signals = () if segments > 1 else tuple(_signal(path, line) for line in content[1 : count + 1])
    return Header(
        path=path,
        # 250 Hz is the format's own default, `DEFFREQ` of header(5).
        rate=_rate(path, record["rate"] or "250"),
        samples=int(record["samples"] or 0) or None,
        segments=segments,
        start=record["start"] or "",
        signals=signals,
        comments=comments,
        encoding=encoding,
    )


def _decoded(path: Path) -> tuple[str, str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})", expected="a WFDB header") from error
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise InputError(f"{path} is neither UTF-8 nor cp1252 text", expected="a WFDB header")


def _rate(path: Path, text: str) -> float:
    rate = _number(path, text, "sampling rate")
    if rate <= 0:
        raise InputError(f"{path} has the sampling rate {text}", expected="a positive number in Hz")
    return rate


def _number(path: Path, text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{path} has the {what} {text!r}", expected="a number")
    return value


def _signal(path: Path, line: str) -> Signal:
    fields = _SIGNAL.match(line)
    if fields is None:
        raise InputError(
            f"{path}: the signal line {line[:60]!r} cannot be read", expected="file, format, gain and so on"
        )
    gain, zero = _number(path, fields["gain"] or "0", "gain"), int(fields["zero"] or 0)
    return Signal(
        file=fields["file"],
        format=fields["format"],
        frame=int(fields["frame"] or 1),
        skew=int(fields["skew"] or 0),
        offset=int(fields["offset"] or 0),
        gain=gain or DEFAULT_GAIN,
        calibrated=gain != 0,
        baseline=int(fields["baseline"]) if fields["baseline"] else zero,
        unit=fields["unit"],
        description=(fields["description"] or "").strip(),
    )
