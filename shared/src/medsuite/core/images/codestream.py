"""The size that a compressed frame itself declares: a decoder believes it, whatever the DICOM header says."""

import struct

_JPEG_2000_START = b"\xff\x4f\xff\x51"
_JPEG_START = b"\xff\xd8"
# SOF0 to SOF15 without DHT, JPG and DAC (ITU-T T.81, table B.1), and SOF55 of JPEG-LS.
_START_OF_FRAME = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7}
# A JP2 file's boxes may stand before its stream; they take less than this.
_SEARCHED_BYTES = 4096


def codestream_size(frame: bytes) -> tuple[int, int] | None:
    """Read rows and columns from a JPEG, JPEG-LS or JPEG 2000 stream; None where it is none of them or says nothing.

    Args:
        frame: One encapsulated frame.
    """
    start = frame.find(_JPEG_2000_START, 0, _SEARCHED_BYTES)
    if start >= 0 and len(frame) >= start + 24:
        width, height, left, top = struct.unpack_from(">4I", frame, start + 8)
        return height - top, width - left
    return _jpeg_size(frame) if frame.startswith(_JPEG_START) else None


def _jpeg_size(frame: bytes) -> tuple[int, int] | None:
    place = len(_JPEG_START)
    while place + 9 <= len(frame) and frame[place] == 0xFF:
        marker, length = frame[place + 1], struct.unpack_from(">H", frame, place + 2)[0]
        if marker in _START_OF_FRAME:
            height, width = struct.unpack_from(">2H", frame, place + 5)
            return (height, width) if height else None
        place += 2 + length
    return None
