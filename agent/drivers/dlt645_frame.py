"""DL/T 645-2007 frames: the read request, and what an answer to it is.

In: a meter's address, a data identifier, bytes heard on the line. Out: a request's bytes; whole frames; the data of an
answer, most significant byte first, or a status. Pure. Never: a frame whose checksum, length or marks are wrong.

A frame is 68, the address (six bytes of two digits, low byte first), 68, control, length, data (each byte plus 33H),
the sum of all these modulo 256, 16; FE bytes before it wake the receiver and are no part of it. An answer repeats the
data identifier before its data, so one that comes late does not pass for another. The exception is a refusal, which
carries nothing but an error byte.
Source: DL/T 645-2007, chapters 5 (data link layer) and 7 (application layer), annexes A (data identifiers) and C (error
byte).
"""

from dataclasses import dataclass

from agent.drivers import BAD_DECODING_ERROR, BAD_DEVICE_FAILURE, BAD_NO_DATA, BAD_OUT_OF_RANGE, GOOD, Reading
from agent.drivers.profile import Point
from agent.drivers.registers import status_of

READ, DATA, DATA_MORE, REFUSED = 0x11, 0x91, 0xB1, 0xD1  # control bytes
WAKE, START, END, SHIFT = 0xFE, 0x68, 0x16, 0x33
DATA_MAX = 200  # bytes in a frame of the reading functions
HEAD, TAIL = 10, 2  # bytes before and after a frame's data
OTHER_ERROR = 0x01  # bit of the error byte; the others say that this item is not to be had


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole frame: address as its 12 digits, and data bytes in wire order without the 33H."""

    address: str
    control: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a meter answered: data most significant byte first, or the status its point gets instead."""

    data: bytes
    status: int = GOOD


def encoded(frame: Frame, wake: int = 0) -> bytes:
    """Return a frame's bytes after so many FE bytes. Raises ValueError if the address is not 12 hexadecimal digits."""
    address = bytes.fromhex(frame.address)[::-1]
    if len(address) != 6 or len(frame.data) > DATA_MAX:
        raise ValueError(f"address {frame.address!r} or {len(frame.data)} bytes of data do not fit a frame")
    shifted = bytes((byte + SHIFT) & 0xFF for byte in frame.data)
    body = bytes([START, *address, START, frame.control, len(shifted)]) + shifted
    return bytes([WAKE]) * wake + body + bytes([sum(body) & 0xFF, END])


def request(address: str, di: str, wake: int) -> bytes:
    """Return the request for one data item; `di` is its identifier as eight hexadecimal digits, DI3 first."""
    return encoded(Frame(address, READ, bytes.fromhex(di)[::-1]), wake)


def scan(heard: bytes) -> tuple[list[Frame], bytes]:
    """Return the whole frames among bytes, and what may be the beginning of another."""
    frames: list[Frame] = []
    at = heard.find(START)
    while at >= 0:
        rest = heard[at:]
        size = HEAD + rest[9] + TAIL if len(rest) >= HEAD else None
        if len(rest) > 7 and rest[7] != START:
            at = heard.find(START, at + 1)  # noise, or a 68H inside something broken: the next one may begin a frame
        elif size is None or len(rest) < size <= HEAD + DATA_MAX + TAIL:
            return frames, rest
        elif size > HEAD + DATA_MAX + TAIL or rest[size - 1] != END or sum(rest[: size - 2]) & 0xFF != rest[size - 2]:
            at = heard.find(START, at + 1)
        else:
            data = bytes((byte - SHIFT) & 0xFF for byte in rest[HEAD : size - TAIL])
            frames.append(Frame(rest[6:0:-1].hex(), rest[8], data))
            at = heard.find(START, at + size)
    return frames, b""


def answer(frame: Frame, address: str, di: str) -> Answer | None:
    """Return what a frame answers to the request for an item, or None if it is no answer to that.

    An answer that says that more frames follow is not followed: no item of a profile is that long.
    """
    if frame.address != address:
        return None
    if frame.control == REFUSED and len(frame.data) == 1:
        failed = frame.data[0] in (0, OTHER_ERROR)
        return Answer(b"", BAD_DEVICE_FAILURE if failed else BAD_OUT_OF_RANGE)
    if frame.data[:4][::-1].hex() != di.lower() or frame.control not in (DATA, DATA_MORE):
        return None
    return Answer(frame.data[:3:-1]) if frame.control == DATA else Answer(b"", BAD_DECODING_ERROR)


def reading(point: Point, answered: Answer) -> Reading:
    """Return a point's reading from an answer. Text is the item's digits, as for a serial number."""
    data, status = answered.data, answered.status
    if status == GOOD and len(data) != size_of(point):
        status = BAD_DECODING_ERROR
    if status == GOOD and set(data) == {0xFF}:
        status = BAD_NO_DATA  # a meter fills an item that it does not have
    if status != GOOD:
        return Reading(point.id, None, status)
    if point.type == "text":
        digits = data.hex()
        return Reading(point.id, None, GOOD, text=digits) if digits.isdecimal() else _undecoded(point)
    raw = int.from_bytes(data, "big")
    status = status_of(point, raw)
    return Reading(point.id, raw if status == GOOD else None, status)


def size_of(point: Point) -> int:
    """Bytes of a point's data: two digits each."""
    return point.length if point.type == "text" else point.bits // 8


def _undecoded(point: Point) -> Reading:
    return Reading(point.id, None, BAD_DECODING_ERROR)
