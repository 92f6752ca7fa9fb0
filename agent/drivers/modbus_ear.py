"""Hearing on a Modbus line: which of the bytes that come are the answer to what was asked.

In: every packet sent and every byte heard, with the time. Out: the one frame that answers, whole; else nothing. Pure.
Never: a frame of another unit, function or length, with a wrong check, or with another transaction id.

A request without an answer is *owed* one: it may still come, and an RTU frame does not say which request it answers. So
a line is asked next for what a late answer cannot pass for (`owed_s` tells), and late frames are known by unit,
function and length whenever they come. Frames come in the order of their requests, as on a wire they must: an answer of
the same unit to a later, different request ends the debt. As converters and repeaters exist, the ear doubts for a while
longer: a frame that could be late, or repeats the last one bit for bit for another address, is only believed if no
second one follows within the timeout (`give_up`); if one does, both are dropped.

What cannot be caught in RTU framing, or from a device that sends no transaction ids: an answer that comes later than
twice the patience, to a request of the same unit, function and length, and none of those was heard in between; a second
copy of an answer that comes after the next answer, or while that one is lost; and frames forged to fit. Modbus TCP has
no checksum of its own: words flipped inside a device or gateway show in no frame.
"""

from collections.abc import Iterator
from dataclasses import replace

from agent.drivers.modbus_frame import Asked, asked, crc16, is_whole, rtu_length, tcp_length

# The others never answer. What comes before an answer as such a byte is a line whose drivers take turns: all low, or
# high after a first edge.
UNITS = range(1, 248)
OWED_MAX = 32  # of those never answered, the latest are remembered


class Ear:
    """One per line, also across its connections: what is late comes to the next one, too. Times are any one clock's."""

    def __init__(self, rtu: bool, patience_s: float) -> None:
        self.rtu = rtu
        self.untagged: set[int] = set()  # units known to answer with transaction id 0 whatever is asked
        self.asking: Asked | None = None
        self.late: list[tuple[Asked, float]] = []  # late answers: the request, and how long it took; for the caller
        self.stray = False  # bytes came that belong to no request: the line may be in the middle of something
        self.damaged = False  # while asking: a frame came that was meant for this request, or none could tell
        self.is_zero = False  # while asking: it carried transaction id 0 instead of ours
        self.broken = False  # the stream of a TCP connection has lost its frames
        self._patience_s = patience_s
        self._buffer = b""
        self._noise = False  # in the bytes that came last
        self._held = b""
        self._spoilt = False
        self._owed: list[Asked] = []
        self._doubted: list[Asked] = []
        self._last = (-1, b"")  # address asked for, and the answer

    def sent(self, packet: bytes, at_s: float) -> bytes:
        """Note a request and return it as it has to leave."""
        made = asked(packet, self.rtu, at_s)
        if not self.rtu and made.unit in self.untagged:
            packet = b"\0\0" + packet[2:]
            made = asked(packet, self.rtu, at_s)
        if self.rtu:
            self._buffer = b""
        self.asking, self._held, self._spoilt = made, b"", False
        self.damaged = self.is_zero = False
        return packet

    def heard(self, data: bytes, at_s: float) -> bytes:
        """Take bytes; return the frame that answers, once."""
        self._buffer += data
        self._noise = False
        answer, before = b"", self.asking
        for frame in self._frames():
            if self.asking is not None:
                answer = self._judge(self.asking, frame, at_s)
            else:
                self._pass_by(frame, at_s)
        if self._buffer and self.asking is None:
            self.stray = True
            self.broken = self.broken or not self.rtu
        if answer and (self._buffer or self._noise):  # its end may have been another frame's, whose rest was left
            self.asking, self.damaged = before, True
            return b""
        return answer

    def give_up(self, at_s: float) -> bytes:
        """End the request under way. A frame that was held back, and stayed alone, is its answer after all."""
        given, self.asking = self.asking, None
        if given is None:
            return b""
        if self._held and not self._spoilt:
            return self._accept(given, self._held)
        self.damaged = self.damaged or bool(self._buffer)
        self.stray = self.stray or self.damaged
        self.broken = self.broken or (not self.rtu and bool(self._buffer))
        self._owed = [*self._owed, replace(given, until_s=at_s)][-OWED_MAX:]
        return b""

    def silenced(self) -> None:
        """Forget incomplete bytes: the line is quiet."""
        self._buffer, self.stray = b"", False

    def connected(self) -> None:
        """A new connection begins."""
        self._buffer, self.stray, self.broken = b"", False, False

    def owed_s(self, unit: int, function: int, size: int) -> float | None:
        """When last a request with an answer like this was given up; None if none was."""
        if not self.rtu and unit not in self.untagged:
            return None  # transaction ids tell
        times = [one.until_s for one in self._owed if one.is_like(unit, function, size)]
        return max(times, default=None)

    def owes(self, unit: int) -> bool:
        """Whether some answer of a unit is owed that no transaction id tells apart."""
        return (self.rtu or unit in self.untagged) and any(one.unit == unit for one in self._owed)

    def forgive(self, unit: int, function: int, size: int) -> None:
        """Wait no longer for answers of this shape; they stay in doubt."""
        self._doubt([one for one in self._owed if one.is_like(unit, function, size)])

    def _frames(self) -> Iterator[bytes]:
        """Whole frames with a right check, from the front of the buffer."""
        while self._buffer:
            if self.rtu and self.asking is not None and self._buffer[0] not in UNITS:
                self._buffer = self._buffer[1:]
                continue
            length = (rtu_length if self.rtu else tcp_length)(self._buffer)
            if length is not None and (length == 0 or length > len(self._buffer)):
                return
            if length is None or (self.rtu and crc16(self._buffer[:length])):
                self.damaged = self.stray = self._noise = True
                self.broken = not self.rtu
                self._buffer = b""
                return
            frame, self._buffer = self._buffer[:length], self._buffer[length:]
            yield frame

    def _parts(self, frame: bytes) -> tuple[int, int, bytes]:
        """Transaction id, unit and PDU."""
        if self.rtu:
            return 0, frame[0], frame[1:-2]
        return int.from_bytes(frame[:2], "big"), frame[6], frame[7:]

    def _judge(self, asking: Asked, frame: bytes, at_s: float) -> bytes:
        transaction, unit, pdu = self._parts(frame)
        if transaction != asking.transaction:
            if transaction == 0:
                self.damaged = self.is_zero = True
            self._pass_by(frame, at_s)
            return b""
        fits = is_whole(pdu) and asking.is_like(unit, pdu[0], len(pdu) - 2)
        if asking.transaction:
            self.damaged = self.damaged or (unit == asking.unit and not fits)
            return self._accept(asking, frame) if fits else b""
        if pdu[0] >= 0x80 and fits and self._pay(unit, pdu, at_s, self._owed):
            return b""  # an exception fits all that was asked: it is the oldest's
        if not fits:
            known = self._pass_by(frame, at_s)
            self.damaged = self.damaged or (unit == asking.unit and not known)
            return b""
        if self._held or self._spoilt:
            self._held, self._spoilt, self.damaged = b"", True, True
            return b""
        if pdu[0] < 0x80 and self._is_doubtful(asking, frame, at_s):
            self._held = frame
            return b""
        return self._accept(asking, frame)

    def _is_doubtful(self, asking: Asked, frame: bytes, at_s: float) -> bool:
        self._doubted = [one for one in self._doubted if at_s - one.until_s < 2 * self._patience_s]
        if any(one.is_like(asking.unit, asking.function, asking.data_bytes) for one in self._doubted):
            return True
        address, last = self._last
        return address != asking.address and last == frame

    def _accept(self, given: Asked, frame: bytes) -> bytes:
        self.asking, self._held = None, b""
        self._last = given.address, frame
        if self._owed:
            self._doubt([one for one in self._owed if one.unit == given.unit])
        return frame

    def _doubt(self, ones: list[Asked]) -> None:
        if ones:
            self._owed = [one for one in self._owed if one not in ones]
            self._doubted = [*self._doubted, *ones][-OWED_MAX:]

    def _pass_by(self, frame: bytes, at_s: float) -> bool:
        """Note a frame that answers nothing asked now; whether it is a late answer."""
        transaction, unit, pdu = self._parts(frame)
        if transaction:
            for one in self._owed:
                if one.transaction == transaction:
                    self._owed.remove(one)
                    self.late.append((one, at_s - one.at_s))
                    return True
            return False
        known = self._pay(unit, pdu, at_s, self._owed) or self._pay(unit, pdu, at_s, self._doubted)
        self.stray = self.stray or not known
        return known

    def _pay(self, unit: int, pdu: bytes, at_s: float, debts: list[Asked]) -> bool:
        for one in debts:
            if one.is_like(unit, pdu[0], len(pdu) - 2):
                debts.remove(one)
                self.late.append((one, at_s - one.at_s))
                return True
        return False
