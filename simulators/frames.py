"""Modbus frames: how an answer is wrapped for the wire.

In: unit id, PDU and, for Modbus TCP, the transaction id. Out: the bytes of the frame. Pure; it never parses.

Sources: Modbus over Serial Line V1.02 (2.5.1, CRC appendix), Messaging on TCP/IP V1.0b (3.1).
"""

import struct
from dataclasses import dataclass
from typing import Literal

Framing = Literal["tcp", "rtu"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame in either framing; RTU carries no transaction id."""

    framing: Framing
    unit: int
    pdu: bytes
    transaction: int = 0

    def __bytes__(self) -> bytes:
        if self.framing == "tcp":
            return struct.pack(">HHHB", self.transaction, 0, len(self.pdu) + 1, self.unit) + self.pdu
        body = bytes([self.unit]) + self.pdu
        return body + crc16(body).to_bytes(2, "little")


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_REMAINDERS = tuple(_remainder(byte) for byte in range(256))


def crc16(data: bytes) -> int:
    """Return the Modbus CRC (polynomial 0xA001 reflected, start 0xFFFF); 0 over a frame that carries its right CRC."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _REMAINDERS[(crc ^ byte) & 0xFF]
    return crc
