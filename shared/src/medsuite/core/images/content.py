"""Which format a file is, by its content, and how much it may unpack to."""

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, BytesIO
from pathlib import Path

from medsuite.core.images.model import ImageReadError

Content = BufferedReader | BytesIO | gzip.GzipFile
"""What a format is read from: the file, or what was inside its compression."""

MAX_PIXELS = 178_956_970
"""Pixels of one frame; more is taken for a decompression bomb. It is Pillow's limit; a mammogram has 20 million."""

MAX_INFLATED_BYTES = 2**30
"""Bytes that a compressed DICOM, PNG, JPEG or TIFF file may unpack to."""

MAX_VOLUME_BYTES = 2**32
"""Bytes that a compressed NIfTI file may unpack to."""

MAX_DEFLATE_RATIO = 1032
"""Bytes that one byte of a deflate stream can stand for at most (zlib, technical details)."""

READABLE = "a DICOM, NIfTI, PNG, JPEG or TIFF image"

_NEEDED_BYTES = 540
_RASTER = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"II*\0": "TIFF", b"MM\0*": "TIFF"}
_FOREIGN = {
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive",
    b"GIF8": "a GIF",
    b"BM": "a BMP",
    b"NRRD": "an NRRD volume",
    b"\x89HDF": "an HDF5 file",
    b"\xff\x4f\xff\x51": "a bare JPEG 2000 stream",
    b"\0\0\0\x0cjP  ": "a JPEG 2000 file",
}
_BARE_DICOM_GROUPS = (b"\x02\0", b"\x08\0", b"\0\x02", b"\0\x08")


@contextmanager
def open_content(path: Path) -> Iterator[tuple[Content, str]]:
    """Open a file, through gzip if need be, and say which format it is.

    Args:
        path: The file.

    Raises:
        ImageReadError: It is missing, empty, of another format, or unpacks to more than the limit.
    """
    try:
        opened = path.open("rb")
    except OSError as error:
        raise ImageReadError(f"{path}: cannot be opened ({error.strerror})") from error
    with opened as stream:
        if length(stream) == 0:
            raise ImageReadError(f"{path}: is empty", expected=READABLE)
        content = _gunzipped(stream, path) if stream.read(2) == b"\x1f\x8b" else stream
        content.seek(0)
        head = content.read(_NEEDED_BYTES)
        content.seek(0)
        yield content, _kind(head, path)


def length(stream: Content) -> int:
    """Give the number of bytes on disk, or in memory, that a stream is read from; for gzip, those before unpacking."""
    if isinstance(stream, BytesIO):
        return stream.getbuffer().nbytes
    return os.fstat(stream.fileno()).st_size


def first_line(error: object, path: Path) -> str:
    """Shorten another library's message for use in a line of our own."""
    text = " ".join(str(error).split()) or type(error).__name__
    text = text.replace(f"'{path}'", "the file").replace(str(path), "the file")
    return text if len(text) <= 160 else text[:157] + "..."


def check_deflated(compressed: bytes, path: Path) -> None:
    """Unpack a raw deflate stream piece by piece, keeping nothing.

    Raises:
        ImageReadError: It unpacks to more than `MAX_INFLATED_BYTES`, or is damaged.
    """
    try:
        small = _unpacks_within(compressed, MAX_INFLATED_BYTES)
    except zlib.error as error:
        raise ImageReadError(f"{path}: its deflated data set is damaged ({first_line(error, path)})") from error
    if not small:
        raise _too_big(path, MAX_INFLATED_BYTES)


def _unpacks_within(compressed: bytes, limit: int) -> bool:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    total, pending = 0, compressed
    while pending and not inflate.eof and total <= limit:
        total += len(inflate.decompress(pending, 2**20))
        pending = inflate.unconsumed_tail
    return total <= limit


def _gunzipped(stream: Content, path: Path) -> Content:
    stream.seek(0)
    inflated = gzip.GzipFile(fileobj=stream)
    try:
        if _nifti_kind(inflated.read(_NEEDED_BYTES)):
            return inflated
        inflated.seek(0)
        content = inflated.read(MAX_INFLATED_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ImageReadError(f"{path}: its gzip compression is damaged ({first_line(error, path)})") from error
    if len(content) > MAX_INFLATED_BYTES:
        raise _too_big(path, MAX_INFLATED_BYTES)
    return BytesIO(content)


def _too_big(path: Path, limit: int) -> ImageReadError:
    return ImageReadError(
        f"{path}: unpacks to more than {limit // 2**20} MiB", fix="unpack it yourself if you trust it"
    )


def _kind(head: bytes, path: Path) -> str:
    # First, because a DICOM file may open with 128 bytes that make it a TIFF file as well.
    if head[128:132] == b"DICM":
        return "DICOM"
    for magic, kind in _RASTER.items():
        if head.startswith(magic):
            return kind
    if nifti := _nifti_kind(head):
        return nifti
    if head[:2] in _BARE_DICOM_GROUPS:
        return "DICOM"
    foreign = next((name for magic, name in _FOREIGN.items() if head.startswith(magic)), "not an image that is known")
    raise ImageReadError(f"{path}: is {foreign}", expected=READABLE)


def _nifti_kind(head: bytes) -> str | None:
    if head[344:348] in (b"n+1\0", b"ni1\0") and head[:4] in (b"\x5c\x01\0\0", b"\0\0\x01\x5c"):
        return "NIfTI" if head[344:346] == b"n+" else "NIfTI pair"
    if head[4:7] in (b"n+2", b"ni2") and head[:4] in (b"\x1c\x02\0\0", b"\0\0\x02\x1c"):
        return "NIfTI" if head[4:6] == b"n+" else "NIfTI pair"
    return None
