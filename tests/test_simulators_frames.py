"""Frames as published, and the checksum of a frame that carries its own."""

import pytest

from agent.drivers.modbus_frame import crc16
from simulators.frames import Frame


def test_a_modbus_tcp_frame():
    frame = Frame("tcp", 0x11, bytes.fromhex("0306AE4156524340"), 0x1501)
    assert bytes(frame).hex() == "150100000009110306ae415652434" + "0"  # length 9: unit and eight bytes of PDU


def test_an_rtu_frame():
    assert bytes(Frame("rtu", 1, bytes.fromhex("0300000001"))).hex() == "010300000001840a"  # a common published example


@pytest.mark.parametrize(("data", "crc"), [("0207", 0x1241), ("0103000a0001", 0x08A4), ("02074112", 0)])
def test_the_checksum(data, crc):
    assert crc16(bytes.fromhex(data)) == crc  # Modbus over Serial Line V1.02, and a published request with CRC A4 08
