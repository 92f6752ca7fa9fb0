"""Modbus servers over real TCP sockets: Modbus TCP, and RTU frames as a transparent converter carries them.

In: what the units hold at an instant (`Unit`), a listening address, a clock. Out: answers, in the order of the
requests.
Never: a value older than the request: registers are looked up when the request is processed.

`Answer` is the seam: from unit id and request PDU to the answer PDU, or None for silence, or `Spoilt` where the frame
itself is to be faulty. The transports know nothing else, and what wraps an answer (see `delayed`, `faulty`) can hold it
back, replace or withhold it.
Sources: Modbus Application Protocol V1.1b3 (6.3, 6.4, 7), Modbus over Serial Line V1.02 (2.5.1), Messaging on TCP/IP
V1.0b (3.1).
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from agent.drivers.modbus_frame import crc16
from simulators.faults import Hit, pieces
from simulators.frames import Frame, Framing
from simulators.listener import Listener, Serve

TABLES = {3: "holding", 4: "input"}  # function code to table
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
WORDS_MAX = 125
BITS_PER_CHARACTER = 10  # 8N1
SILENT_CHARACTERS = 3.5


@dataclass(frozen=True, slots=True)
class Spoilt:
    """An answer PDU, and the fault that befalls its frame."""

    pdu: bytes
    hit: Hit


Answer = Callable[[int, bytes], Awaitable[bytes | Spoilt | None]]


class Unit(Protocol):
    """Something with registers that may change with time."""

    def words(self, table: str, address: int, count: int, at_ns: int) -> list[int] | None:
        """Return words of one instant; None if one of the registers does not exist."""
        ...


def answering(units: Mapping[int, Unit], now_ns: Callable[[], int]) -> Answer:
    """Return the faultless answer of some units; who is not among them is silent."""

    async def answer(unit_id: int, request: bytes) -> bytes | Spoilt | None:
        unit = units.get(unit_id)
        return None if unit is None else respond(unit, request, now_ns())

    return answer


def delayed(answer: Answer, delay_s: float) -> Answer:
    """Return the same answers, each so much later."""

    async def answer_late(unit_id: int, request: bytes) -> bytes | Spoilt | None:
        await asyncio.sleep(delay_s)
        return await answer(unit_id, request)

    return answer_late


def faulty(answer: Answer, hit: Callable[[int], Hit | None], torn: Callable[[int], Answer] | None = None) -> Answer:
    """Return the same answers but for the requests that `hit` (asked once a request, by unit id) says go wrong.

    `torn` gives the answers whose words lie so many ms apart; without it they are whole.
    """

    async def answer_faultily(unit_id: int, request: bytes) -> bytes | Spoilt | None:
        return await struck(hit(unit_id), answer, unit_id, request, torn)

    return answer_faultily


async def struck(
    hit: Hit | None, answer: Answer, unit_id: int, request: bytes, torn: Callable[[int], Answer] | None = None
) -> bytes | Spoilt | None:
    """Return the answer to one request under the fault that strikes it, if any."""
    if hit is None:
        return await answer(unit_id, request)
    match hit.kind:
        case "dead":
            return None
        case "slow":
            await asyncio.sleep(hit.ms / 1000)
            return await answer(unit_id, request)
        case "exception" | "busy":  # of a unit that is there
            there = await answer(unit_id, request) is not None
            return bytes([request[0] | 0x80, hit.code]) if there else None
        case "torn":
            return await (torn(hit.ms) if torn else answer)(unit_id, request)
    pdu = await answer(unit_id, request)
    return Spoilt(pdu, hit) if isinstance(pdu, bytes) else pdu


def held(answer: Answer, gate: asyncio.Event) -> Answer:
    """Return the same answers, but only while the gate is open; who asks meanwhile waits."""

    async def answer_when_open(unit_id: int, request: bytes) -> bytes | Spoilt | None:
        await gate.wait()
        return await answer(unit_id, request)

    return answer_when_open


def respond(unit: Unit, request: bytes, at_ns: int) -> bytes:
    """Return a unit's answer PDU to a request PDU; functions 3 and 4, otherwise an exception."""
    function = request[0]
    if function not in TABLES:
        return bytes([function | 0x80, ILLEGAL_FUNCTION])
    if len(request) != 5:
        return bytes([function | 0x80, ILLEGAL_VALUE])
    address, count = struct.unpack(">HH", request[1:])
    if not 1 <= count <= WORDS_MAX:
        return bytes([function | 0x80, ILLEGAL_VALUE])
    words = unit.words(TABLES[function], address, count, at_ns)
    if words is None:
        return bytes([function | 0x80, ILLEGAL_ADDRESS])
    return struct.pack(f">BB{count}H", function, 2 * count, *words)


def listener(framing: Framing, answer: Answer, port: int, *, host: str = "127.0.0.1", baud: int = 0) -> Listener:
    """Return a listener, yet to be opened. `baud` paces an RTU line as its characters would (0: no pacing)."""
    return Listener(serve_tcp(answer) if framing == "tcp" else serve_rtu(answer, baud), host, port)


@asynccontextmanager
async def serving(
    framing: Framing, answer: Answer, port: int, *, host: str = "127.0.0.1", baud: int = 0
) -> AsyncIterator[int]:
    """Listen while the context is open and yield the port (that chosen by the system for 0).

    `baud` paces an RTU line as its characters would, one request at a time over all connections (0: no pacing).
    Leaving the context closes every connection. Raises OSError if the port is taken.
    """
    opened = listener(framing, answer, port, host=host, baud=baud)
    await opened.open()
    try:
        yield opened.port
    finally:
        await opened.close()


def serve_tcp(answer: Answer) -> Serve:
    """Return what serves one connection with Modbus TCP."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            transaction, protocol, length, unit_id = struct.unpack(">HHHB", await reader.readexactly(7))
            if protocol != 0 or not 2 <= length <= 254:
                return  # not Modbus: there is no way to find the next frame
            request = await reader.readexactly(length - 1)
            reply = await answer(unit_id, request)
            for after_ms, data in _sent("tcp", unit_id, reply, transaction):
                if after_ms:
                    asyncio.get_running_loop().call_later(after_ms / 1000, _write, {writer}, data)
                else:
                    writer.write(data)
            await writer.drain()

    return serve


def serve_rtu(answer: Answer, baud: int) -> Serve:
    """Return what serves one connection with RTU frames; all connections share one line.

    An answer that is late goes to whoever is connected then, as transparent converters do.
    """
    line = asyncio.Lock()
    writers: set[asyncio.StreamWriter] = set()

    async def exchange(frame: bytes, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + _duration_s(len(frame) + SILENT_CHARACTERS, baud)
        await asyncio.sleep(due - loop.time())
        reply = await answer(frame[0], frame[1:-2])
        due = loop.time()
        for after_ms, data in _sent("rtu", frame[0], reply):
            if after_ms:
                loop.call_later(after_ms / 1000, _write, writers, data)
                continue
            due += _duration_s(len(data) + SILENT_CHARACTERS, baud)
            await asyncio.sleep(due - loop.time())
            writer.write(data)
        await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            while True:
                frame = await reader.readexactly(8)  # what functions 1 to 6 send
                async with line:
                    if crc16(frame):
                        await _fall_silent(reader, _duration_s(SILENT_CHARACTERS, baud))
                    else:
                        await exchange(frame, writer)
        finally:
            writers.discard(writer)

    return serve


def _sent(
    framing: Framing, unit_id: int, reply: bytes | Spoilt | None, transaction: int = 0
) -> tuple[tuple[int, bytes], ...]:
    """What goes out for an answer: bytes, each with how many ms later they come."""
    if reply is None:
        return ()
    if isinstance(reply, Spoilt):
        return pieces(reply.hit, Frame(framing, unit_id, reply.pdu, transaction))
    return ((0, bytes(Frame(framing, unit_id, reply, transaction))),)


def _write(writers: set[asyncio.StreamWriter], data: bytes) -> None:
    for writer in writers:
        if not writer.is_closing():
            writer.write(data)


def _duration_s(characters: float, baud: int) -> float:
    return characters * BITS_PER_CHARACTER / baud if baud else 0


async def _fall_silent(reader: asyncio.StreamReader, silence_s: float) -> None:
    """Read until nothing more comes: a receiver that lost the frame boundary waits for a pause."""
    while True:
        try:
            async with asyncio.timeout(max(silence_s, 0.005)):
                if not await reader.read(256):
                    raise ConnectionResetError
        except TimeoutError:
            return
