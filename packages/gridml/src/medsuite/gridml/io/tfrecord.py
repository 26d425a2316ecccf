"""TFRecord files and `tf.train.Example` messages, read without TensorFlow.

A record is `uint64 length, masked CRC-32C of it, data, masked CRC-32C of the data`, little endian; an Example is a
protocol buffer map from a name to a list of bytes (also floats or integers, which the data sets read here do not use).
"""

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from medsuite.core.errors import InputError

MASK_DELTA = 0xA282EAD8
POLYNOMIAL = 0x82F63B78  # Castagnoli, reflected
LENGTH_DELIMITED = 2
STRIDE = 8


def _tables() -> list[list[int]]:
    first = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (POLYNOMIAL if value & 1 else 0)
        first.append(value)
    tables = [first]
    for _ in range(STRIDE - 1):
        tables.append([first[value & 0xFF] ^ (value >> 8) for value in tables[-1]])
    return tables


TABLES = _tables()


def crc32c(data: bytes) -> int:
    """Return the CRC-32C (Castagnoli) of bytes, eight at a time; `crc32c(b"123456789") == 0xE3069283`."""
    remainder, whole = 0xFFFFFFFF, len(data) - len(data) % STRIDE
    t0, t1, t2, t3, t4, t5, t6, t7 = TABLES
    for low, high in struct.iter_unpack("<II", data[:whole]):
        low ^= remainder
        remainder = (
            t7[low & 0xFF] ^ t6[low >> 8 & 0xFF] ^ t5[low >> 16 & 0xFF] ^ t4[low >> 24]
            ^ t3[high & 0xFF] ^ t2[high >> 8 & 0xFF] ^ t1[high >> 16 & 0xFF] ^ t0[high >> 24]
        )  # fmt: skip
    for byte in data[whole:]:
        remainder = t0[(remainder ^ byte) & 0xFF] ^ (remainder >> 8)
    return remainder ^ 0xFFFFFFFF


def masked_crc32c(data: bytes) -> int:
    """Return the CRC as TFRecord stores it: rotated right by 15 bits, plus a constant."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + MASK_DELTA) & 0xFFFFFFFF


def read_records(path: Path) -> Iterator[bytes]:
    """Yield the data of each record.

    Raises:
        InputError: The file does not exist, ends within a record, or a checksum is wrong; with the record and byte.
    """
    if not path.is_file():
        raise InputError(f"{path} does not exist", expected="a .tfrecord file")
    with path.open("rb") as stream:
        number = 0
        while header := stream.read(12):
            place = f"{path}: record {number} at byte {stream.tell() - len(header)}"
            length = _length(header, place)
            body = stream.read(length + 4)
            if len(body) < length + 4:
                raise InputError(f"{place} is cut: {len(body)} of {length + 4} bytes", fix="download the file again")
            if masked_crc32c(body[:-4]) != struct.unpack("<I", body[-4:])[0]:
                raise InputError(f"{place}: wrong checksum of its data", fix="download the file again")
            yield body[:-4]
            number += 1


def _length(header: bytes, place: str) -> int:
    if len(header) < 12:
        raise InputError(f"{place} is cut within its header", fix="download the file again")
    if masked_crc32c(header[:8]) != struct.unpack("<I", header[8:])[0]:
        raise InputError(
            f"{place}: wrong checksum of its length", expected="a TFRecord file", fix="download the file again"
        )
    return int(struct.unpack("<Q", header[:8])[0])


def parse_example(data: bytes) -> Mapping[str, bytes]:
    """Return the first bytes value of each feature of a `tf.train.Example`.

    Raises:
        InputError: The bytes are no such message, or a feature is not a list of bytes.
    """
    features = _only(dict(_fields(data)), 1, "an Example without features")
    example = {}
    for _, entry in _fields(features):
        pair = dict(_fields(entry))
        name = _only(pair, 1, "a feature without a name").decode(errors="backslashreplace")
        kinds = dict(_fields(_only(pair, 2, f"feature {name!r} without a value")))
        example[name] = _only(
            dict(_fields(_only(kinds, 1, f"feature {name!r} is no list of bytes"))), 1, f"{name!r} is empty"
        )
    return example


def _only(fields: Mapping[int, bytes], number: int, problem: str) -> bytes:
    if number not in fields:
        raise InputError(problem, expected="a record of MeshGraphNets")
    return fields[number]


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield field numbers and contents of a message all of whose fields are length-delimited."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        if key & 7 != LENGTH_DELIMITED:
            raise InputError(
                f"a protocol buffer field of wire type {key & 7}", expected="a tf.train.Example of bytes lists"
            )
        length, at = _varint(data, at)
        if at + length > len(data):
            raise InputError(f"a protocol buffer field of {length} bytes where {len(data) - at} are left")
        yield key >> 3, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        value, at = value | (byte & 0x7F) << shift, at + 1
        if byte < 0x80:
            return value, at
    raise InputError("a protocol buffer number that does not end", expected="a tf.train.Example")


def frame(data: bytes) -> bytes:
    """Return a record: length, its checksum, data, its checksum."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc32c(length)) + data + struct.pack("<I", masked_crc32c(data))


def raw(array: np.ndarray) -> bytes:
    """Return an array's values as little-endian bytes, row by row."""
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
