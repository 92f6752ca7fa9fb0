"""Modbus servers over real TCP sockets: Modbus TCP, and RTU frames as a transparent converter carries them.

In: what the units hold at an instant (`Unit`), a listening address, a clock. Out: answers, in the order of the
requests.
Never: a value older than the request: registers are looked up when the request is processed.

`Answer` is the seam: from unit id and request PDU to the answer PDU, or None for silence. The transports know nothing
else, and what wraps an answer (see `delayed`) can hold it back, replace or withhold it.
Sources: Modbus Application Protocol V1.1b3 (6.3, 6.4, 7), Modbus over Serial Line V1.02 (2.5.1, CRC appendix),
Messaging on TCP/IP V1.0b (3.1).
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Literal, Protocol

TABLES = {3: "holding", 4: "input"}  # function code to table
ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
WORDS_MAX = 125
BITS_PER_CHARACTER = 10  # 8N1
SILENT_CHARACTERS = 3.5

Answer = Callable[[int, bytes], Awaitable[bytes | None]]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Unit(Protocol):
    """Something with registers that may change with time."""

    def words(self, table: str, address: int, count: int, at_ns: int) -> list[int] | None:
        """Return words of one instant; None if one of the registers does not exist."""
        ...


def answering(units: Mapping[int, Unit], now_ns: Callable[[], int]) -> Answer:
    """Return the faultless answer of some units; who is not among them is silent."""

    async def answer(unit_id: int, request: bytes) -> bytes | None:
        unit = units.get(unit_id)
        return None if unit is None else respond(unit, request, now_ns())

    return answer


def delayed(answer: Answer, delay_s: float) -> Answer:
    """Return the same answers, each so much later."""

    async def answer_late(unit_id: int, request: bytes) -> bytes | None:
        await asyncio.sleep(delay_s)
        return await answer(unit_id, request)

    return answer_late


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


@asynccontextmanager
async def serving(
    framing: Literal["tcp", "rtu"], answer: Answer, port: int, *, host: str = "127.0.0.1", baud: int = 0
) -> AsyncIterator[int]:
    """Listen while the context is open and yield the port (that chosen by the system for 0).

    `baud` paces an RTU line as its characters would, one request at a time over all connections (0: no pacing).
    Leaving the context closes every connection. Raises OSError if the port is taken.
    """
    serve = _tcp(answer) if framing == "tcp" else _rtu(answer, baud)
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            connections.add(task)
            task.add_done_callback(connections.discard)
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the other side hung up, or we leave: nothing awaits this task, and a cancelled one would be logged
        finally:
            writer.close()

    server = await asyncio.start_server(connected, host, port)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


def _tcp(answer: Answer) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            transaction, protocol, length, unit_id = struct.unpack(">HHHB", await reader.readexactly(7))
            if protocol != 0 or not 2 <= length <= 254:
                return  # not Modbus: there is no way to find the next frame
            request = await reader.readexactly(length - 1)
            reply = await answer(unit_id, request)
            if reply is not None:
                writer.write(struct.pack(">HHHB", transaction, 0, len(reply) + 1, unit_id) + reply)
                await writer.drain()

    return serve


def _rtu(answer: Answer, baud: int) -> Serve:
    line = asyncio.Lock()

    def duration_s(characters: float) -> float:
        return characters * BITS_PER_CHARACTER / baud if baud else 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            frame = await reader.readexactly(8)  # what functions 1 to 6 send
            async with line:
                if crc16(frame):
                    await _fall_silent(reader, duration_s(SILENT_CHARACTERS))
                    continue
                await asyncio.sleep(duration_s(len(frame) + SILENT_CHARACTERS))
                reply = await answer(frame[0], frame[1:-2])
                if reply is None:
                    continue
                sent = bytes([frame[0]]) + reply
                sent += crc16(sent).to_bytes(2, "little")
                await asyncio.sleep(duration_s(len(sent) + SILENT_CHARACTERS))
                writer.write(sent)
                await writer.drain()

    return serve


async def _fall_silent(reader: asyncio.StreamReader, silence_s: float) -> None:
    """Read until nothing more comes: a receiver that lost the frame boundary waits for a pause."""
    while True:
        try:
            async with asyncio.timeout(max(silence_s, 0.005)):
                if not await reader.read(256):
                    raise ConnectionResetError
        except TimeoutError:
            return


def crc16(data: bytes) -> int:
    """Return the Modbus CRC (polynomial 0xA001 reflected, start 0xFFFF); 0 over a frame that carries its right CRC."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc
