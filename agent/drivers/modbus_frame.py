"""Modbus frames: where one ends, and whether it answers a request.

In: bytes as they came, and requests as they left. Out: frames, whole and with a right check. Pure; never a guess at
damaged bytes.

Sources: Modbus over Serial Line V1.02 (2.5.1 and CRC appendix), Messaging on TCP/IP V1.0b (3.1), Modbus Application
Protocol V1.1b3 (6.1-6.4, 7).
"""

from dataclasses import dataclass

MBAP = 7  # header of Modbus TCP: transaction id, protocol 0, length, unit; the length counts from the unit on
FRAME_LENGTHS = range(2, 255)  # what that length may be


def _remainder(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_REMAINDERS = tuple(_remainder(byte) for byte in range(256))


def crc16(data: bytes) -> int:
    """CRC of a frame (polynomial 0xA001 reflected, start 0xFFFF); 0 over one that carries its right CRC."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _REMAINDERS[(crc ^ byte) & 0xFF]
    return crc


@dataclass(frozen=True, slots=True)
class Asked:
    """A read request that has left. `transaction` is 0 in RTU framing and for a device that knows no transactions."""

    transaction: int
    unit: int
    function: int
    address: int
    count: int
    at_s: float
    until_s: float = 0.0  # when it was given up

    @property
    def data_bytes(self) -> int:
        """How many bytes of data its answer has."""
        return data_bytes(self.function, self.count)

    def is_like(self, unit: int, function: int, size: int) -> bool:
        """Whether an answer with `size` data bytes could be this one's, or an exception (function with bit 7)."""
        if unit != self.unit or function & 0x7F != self.function:
            return False
        return function >= 0x80 or size == self.data_bytes


def data_bytes(function: int, count: int) -> int:
    """How many bytes of data answer a request: two a register, one for eight bits."""
    return (count + 7) // 8 if function <= 2 else 2 * count


def asked(packet: bytes, rtu: bool, at_s: float) -> Asked:
    """A request of functions 1 to 4 as its packet says."""
    transaction, at = (0, 0) if rtu else (int.from_bytes(packet[:2], "big"), MBAP - 1)
    address, count = int.from_bytes(packet[at + 2 : at + 4], "big"), int.from_bytes(packet[at + 4 : at + 6], "big")
    return Asked(transaction, packet[at], packet[at + 1], address, count, at_s)


def rtu_length(data: bytes) -> int | None:
    """Bytes of the RTU answer that begins here: 0 if too little came to tell, None if it is none of ours."""
    if len(data) < 2:
        return 0
    if data[1] & 0x80:
        return 5
    if data[1] not in (1, 2, 3, 4):
        return None
    return 5 + data[2] if len(data) > 2 else 0


def tcp_length(data: bytes) -> int | None:
    """Bytes of the TCP frame that begins here: 0 if too little came, None if this is no Modbus."""
    if len(data) < MBAP - 1:
        return 0
    length = int.from_bytes(data[4:6], "big")
    return None if data[2:4] != b"\0\0" or length not in FRAME_LENGTHS else MBAP - 1 + length


def is_whole(pdu: bytes) -> bool:
    """Whether a PDU is an exception or the data its byte count announces."""
    if len(pdu) < 2:
        return False
    return len(pdu) == 2 if pdu[0] & 0x80 else len(pdu) == 2 + pdu[1]
