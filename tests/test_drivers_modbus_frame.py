"""Modbus frames: checksum, lengths, and what fits what; expected bytes are built here or published."""

import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modbus_plant import crc16 as bit_by_bit

from agent.drivers.modbus_frame import asked, crc16, data_bytes, is_whole, rtu_length, tcp_length

# Modbus over serial line, a widely printed example: read ten holding registers of unit 17 from 107.
PUBLISHED = bytes.fromhex("1103006B00037687")


def test_the_crc_of_a_published_frame():
    assert crc16(PUBLISHED) == 0
    assert crc16(PUBLISHED[:-1] + b"\x86") != 0


@given(st.binary(max_size=300))
def test_the_crc_is_that_worked_out_bit_by_bit(data):
    assert crc16(data).to_bytes(2, "little") == bit_by_bit(data)
    assert crc16(data + bit_by_bit(data)) == 0


def test_a_request_is_read_off_its_packet():
    rtu = asked(PUBLISHED, True, 5.0)
    assert (rtu.transaction, rtu.unit, rtu.function, rtu.address, rtu.count, rtu.at_s) == (0, 17, 3, 107, 3, 5.0)
    tcp = asked(binascii.unhexlify("000A00000006FF0200100009"), False, 0.0)
    assert (tcp.transaction, tcp.unit, tcp.function, tcp.address, tcp.count) == (10, 255, 2, 16, 9)
    assert (rtu.data_bytes, tcp.data_bytes) == (6, 2)


@pytest.mark.parametrize(("function", "count", "size"), [(1, 1, 1), (1, 8, 1), (2, 9, 2), (3, 125, 250), (4, 2, 4)])
def test_data_of_an_answer(function, count, size):
    assert data_bytes(function, count) == size


@pytest.mark.parametrize(
    ("data", "length"),
    [
        ("", 0), ("01", 0), ("0103", 0), ("010304", 9), ("0104FA", 255), ("0183", 5), ("01FF02", 5), ("0110", None),
        ("0100", None),
    ],
)  # fmt: skip
def test_where_an_rtu_answer_ends(data, length):
    assert rtu_length(bytes.fromhex(data)) == length


@pytest.mark.parametrize(
    ("data", "length"),
    [("0001000000", 0), ("000100000006", 12), ("000100010006", None), ("000100000001", None), ("0001000000FF", None)],
)
def test_where_a_tcp_frame_ends(data, length):
    assert tcp_length(bytes.fromhex(data)) == length


@pytest.mark.parametrize(
    ("pdu", "whole"),
    [("", False), ("03", False), ("0302ABCD", True), ("0302AB", False), ("0302ABCDEF", False), ("8302", True),
     ("830200", False)],
)  # fmt: skip
def test_a_whole_pdu_has_what_it_announces(pdu, whole):
    assert is_whole(bytes.fromhex(pdu)) is whole
