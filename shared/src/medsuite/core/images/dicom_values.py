"""From stored values to values with a meaning: palette, modality LUT, padding, VOI LUTs, windows (DICOM PS3.3 C.11)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Integer, Num

from medsuite.core.images.dicom_header import FrameHeader
from medsuite.core.images.windowing import Function, LookupTable, Window

if TYPE_CHECKING:
    from pydicom import Dataset

_FUNCTIONS: dict[str, Function] = {"LINEAR": "LINEAR", "LINEAR_EXACT": "LINEAR_EXACT", "SIGMOID": "SIGMOID"}


def modality_values(
    stored: Num[np.ndarray, "height width"], header: FrameHeader, *, little_endian: bool
) -> Num[np.ndarray, "height width"]:
    """Apply the modality LUT, or slope and intercept (C.11.1); integers stay integers where the result is whole.

    Args:
        stored: Stored values.
        header: Their frame.
        little_endian: Byte order of the data set.
    """
    if items := header.get("ModalityLUTSequence"):
        table = lookup_table(items[0], signed=bool(stored.min() < 0), little_endian=little_endian)
        if table is not None:
            return table.look_up(stored)
        header.notes.append("the modality LUT is incomplete: ignored")
    slope, intercept = (header.numbers(keyword) for keyword in ("RescaleSlope", "RescaleIntercept"))
    if slope[:1] == [0]:
        header.notes.append("RescaleSlope is 0: ignored")
    return rescaled(stored, (slope[0] if slope else 1.0) or 1.0, intercept[0] if intercept else 0.0)


def rescaled(
    stored: Num[np.ndarray, "height width"], slope: float, intercept: float
) -> Num[np.ndarray, "height width"]:
    """Give slope x stored + intercept: 32-bit integers for slope 1 and a whole intercept, else single precision."""
    if (slope, intercept) == (1, 0):
        return stored
    is_whole = slope == 1 and intercept == int(intercept) and abs(intercept) < 2**30
    if is_whole and np.issubdtype(stored.dtype, np.integer) and stored.dtype.itemsize <= 2:
        return stored.astype(np.int32) + np.int32(intercept)
    return (stored * float(slope) + float(intercept)).astype(np.float32)


def padding_mask(
    stored: Num[np.ndarray, "height width"], header: FrameHeader
) -> Bool[np.ndarray, "height width"] | None:
    """Mark the pixels with Pixel Padding Value, or between it and Pixel Padding Range Limit (C.7.5.1.1.2).

    Both are stored values. Some files write -2000 as the unsigned 63536; where pixels are signed, it is taken back.

    Args:
        stored: Stored values, before the modality LUT.
        header: Their frame.
    """
    bounds = [*header.numbers("PixelPaddingValue")[:1], *header.numbers("PixelPaddingRangeLimit")[:1]]
    if not header.numbers("PixelPaddingValue"):
        return None
    is_signed, bits = header.get("PixelRepresentation") == 1, int(header.get("BitsAllocated"))
    lowest = -(2 ** (bits - 1)) if is_signed else 0
    bounds = [(bound - lowest) % 2**bits + lowest for bound in bounds]
    mask = (stored >= min(bounds)) & (stored <= max(bounds))
    if not mask.any():
        return None
    if header.text("LossyImageCompression") == "01":
        header.notes.append("lossy compression has changed some of the padding: it cannot be told from the image there")
    return mask


def voi_transformations(header: FrameHeader, *, little_endian: bool) -> tuple[Window | LookupTable, ...]:
    """Give the VOI LUTs, then the windows of a frame (C.11.2); what is invalid is noted and left out.

    Args:
        header: The frame.
        little_endian: Byte order of the data set.
    """
    # A modality LUT gives no negative values; without one, signed pixels and a negative intercept do.
    intercept = (header.numbers("RescaleIntercept") or [0.0])[0]
    signed = not header.get("ModalityLUTSequence") and (header.get("PixelRepresentation") == 1 or intercept < 0)
    items = header.get("VOILUTSequence") or []
    tables = [lookup_table(item, signed=signed, little_endian=little_endian) for item in items]
    complete = [table for table in tables if table is not None]
    if len(complete) < len(tables):
        header.notes.append("a VOI LUT is incomplete: ignored")
    return (*complete, *_windows(header))


def _windows(header: FrameHeader) -> list[Window]:
    centers, widths = header.numbers("WindowCenter"), header.numbers("WindowWidth")
    if len(centers) != len(widths):
        header.notes.append(f"{len(centers)} window centres but {len(widths)} widths: the rest is ignored")
    count = min(len(centers), len(widths))
    texts = header.get("WindowCenterWidthExplanation") or []
    texts = [*([texts] if isinstance(texts, str) else map(str, texts)), *[""] * count]
    function = _function(header)
    windows = [_window(header, *window, function) for window in zip(centers, widths, texts, strict=False)]
    return [window for window in windows if window is not None]


def _function(header: FrameHeader) -> Function:
    stated = (header.text("VOILUTFunction") or "LINEAR").upper()
    if stated not in _FUNCTIONS:
        header.notes.append(f"VOI LUT function {stated!r} is unknown: LINEAR is used")
    return _FUNCTIONS.get(stated, "LINEAR")


def _window(header: FrameHeader, center: float, width: float, text: str, function: Function) -> Window | None:
    if width <= 0:
        header.notes.append(f"a window of width {width:g} is ignored")
        return None
    if function == "LINEAR" and width < 1:
        header.notes.append(f"a window of width {width:g} is below the least for LINEAR: LINEAR_EXACT is used")
        function = "LINEAR_EXACT"
    return Window(center, width, function, text)


def lookup_table(item: "Dataset", *, signed: bool, little_endian: bool) -> LookupTable | None:
    """Read an item of a Modality or VOI LUT Sequence (C.11.1.1.1, C.11.2.1.1); None where it is incomplete.

    Args:
        item: The item.
        signed: The values that are looked up may be negative, so the first one is a signed number.
        little_endian: Byte order of the data set.
    """
    explanation = str(item.get("LUTExplanation") or "")
    return _table(item.get("LUTDescriptor"), item.get("LUTData"), explanation, signed, little_endian)


def palette_colours(
    stored: Num[np.ndarray, "height width"], header: FrameHeader, *, little_endian: bool
) -> Integer[np.ndarray, "height width 3"] | None:
    """Look palette colours up (C.7.6.3.1.5); None where the palette is not a plain one.

    pydicom's own `apply_color_lut` takes plain palettes for little-endian in every file.

    Args:
        stored: Stored values.
        header: Their frame.
        little_endian: Byte order of the data set.
    """
    names = [f"{colour}PaletteColorLookupTable" for colour in ("Red", "Green", "Blue")]
    signed = header.get("PixelRepresentation") == 1
    parts = [(header.get(f"{name}Descriptor"), header.get(f"{name}Data")) for name in names]
    tables = [_table(descriptor, data, "", signed, little_endian) for descriptor, data in parts]
    complete = [table for table in tables if table is not None]
    return np.stack([table.look_up(stored) for table in complete], axis=-1) if len(complete) == 3 else None


def _table(
    descriptor: Sequence[int] | None,
    data: bytes | int | Sequence[int] | None,
    explanation: str,
    signed: bool,
    little: bool,
) -> LookupTable | None:
    if descriptor is None or len(descriptor) != 3 or data is None:
        return None
    count, first, bits = int(descriptor[0]) % 2**16 or 2**16, int(descriptor[1]), int(descriptor[2])
    entries = _entries(_words(data, little), count)
    if entries is None or not 1 <= bits <= 16:
        return None
    return LookupTable(first - 2**16 if signed and first >= 2**15 else first, entries, bits, explanation)


def _words(data: bytes | int | Sequence[int], little: bool) -> Integer[np.ndarray, " words"]:
    if isinstance(data, bytes):
        return np.frombuffer(data[: len(data) // 2 * 2], "<u2" if little else ">u2").astype(np.uint16)
    return np.atleast_1d(np.asarray(data, np.int64)).astype(np.uint16)


def _entries(words: Integer[np.ndarray, " words"], count: int) -> Integer[np.ndarray, " entries"] | None:
    """Take one entry a word, or two where 8-bit entries are packed; None where there are too few."""
    if len(words) >= count:
        return words[:count]
    return words.astype("<u2").view(np.uint8)[:count] if 2 * len(words) >= count else None
