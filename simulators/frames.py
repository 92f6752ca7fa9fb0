"""Modbus frames: how an answer is wrapped for the wire.

In: unit id, PDU and, for Modbus TCP, the transaction id. Out: the bytes of the frame. Pure; it never parses.

Sources: Modbus over Serial Line V1.02 (2.5.1, CRC appendix), Messaging on TCP/IP V1.0b (3.1).
"""

import struct
from dataclasses import dataclass
from typing import Literal

from agent.drivers.modbus_frame import crc16

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
