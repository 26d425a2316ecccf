import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.gridml.io.tfrecord import crc32c, frame, masked_crc32c, parse_example, read_records


def slow_crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def test_the_checksum_of_the_standard_string_is_the_published_one():
    assert crc32c(b"123456789") == 0xE3069283


@given(data=st.binary(max_size=70))
def test_eight_bytes_at_a_time_is_the_same_as_bit_by_bit(data):
    assert crc32c(data) == slow_crc32c(data)
    crc = slow_crc32c(data)
    assert masked_crc32c(data) == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) % 2**32


@given(records=st.lists(st.binary(max_size=40), max_size=4))
def test_records_come_back_as_they_were_framed(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("records") / "some.tfrecord"
    path.write_bytes(b"".join(frame(record) for record in records))
    assert list(read_records(path)) == records


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-3], "record 1 at byte 21 is cut"),
        (lambda data: data[:25], "record 1 at byte 21 is cut within its header"),
        (lambda data: data[:12] + b"X" + data[13:], "record 0 at byte 0: wrong checksum of its data"),
        (lambda data: b"\x09" + data[1:], "record 0 at byte 0: wrong checksum of its length"),
    ],
)
def test_a_damaged_file_names_the_record_and_its_byte(tmp_path, damage, message):
    path = tmp_path / "some.tfrecord"
    path.write_bytes(damage(frame(b"first") + frame(b"second")))
    with pytest.raises(InputError, match=message):
        list(read_records(path))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        list(read_records(tmp_path / "none.tfrecord"))


def test_bytes_that_are_no_example_are_refused():
    for data in (b"\xff" * 12, b"\x08\x01", struct.pack("<d", np.pi), b""):
        with pytest.raises(InputError):
            parse_example(data)


@given(data=st.binary(max_size=60))
def test_any_bytes_are_an_example_or_one_line(data):
    try:
        example = parse_example(data)
    except InputError:
        return
    assert all(isinstance(name, str) and isinstance(value, bytes) for name, value in example.items())


@given(place=st.integers(0, 10**6), byte=st.integers(0, 255), cut=st.booleans())
def test_no_damage_goes_unnoticed(tmp_path_factory, place, byte, cut):
    whole = frame(b"first record") + frame(b"the second one")
    place %= len(whole)
    damaged = whole[:place] if cut else whole[:place] + bytes([byte]) + whole[place + 1 :]
    path = tmp_path_factory.mktemp("damage") / "some.tfrecord"
    path.write_bytes(damaged)
    if damaged == whole:
        assert len(list(read_records(path))) == 2
    elif cut and place in (0, len(frame(b"first record"))):
        assert len(list(read_records(path))) == (place > 0), "a cut between records cannot be seen"
    else:
        with pytest.raises(InputError, match=r"record [01] at byte"):
            list(read_records(path))
