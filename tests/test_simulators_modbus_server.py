"""Modbus servers as clients meet them, over real sockets: both framings, exceptions, pipelining, a serial line."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient

from simulators import modbus_server
from simulators.faults import Hit
from simulators.modbus_server import answering, crc16, delayed, respond, serving

NOW_NS = 5_000_000_000


class Bank:
    """Holding registers 100 to 109 that show their address, or the second in which they are read at 109."""

    def __init__(self, offset: int) -> None:
        self.offset = offset

    def words(self, table: str, address: int, count: int, at_ns: int) -> list[int] | None:
        """Return words of one instant."""
        if table == "input":
            return [0x0102] * count if address == 7 else None
        if not 100 <= address <= address + count <= 110:
            return None
        return [at_ns // 10**9 if a == 109 else a + self.offset for a in range(address, address + count)]


UNITS = {1: Bank(0), 2: Bank(1000)}


@asynccontextmanager
async def client(
    framing: Literal["tcp", "rtu"], delay_s: float = 0, baud: int = 0
) -> AsyncIterator[AsyncModbusTcpClient]:
    answer = answering(UNITS, lambda: NOW_NS)
    framer = FramerType.SOCKET if framing == "tcp" else FramerType.RTU
    async with serving(framing, delayed(answer, delay_s) if delay_s else answer, 0, baud=baud) as port:
        connected = AsyncModbusTcpClient("127.0.0.1", port=port, framer=framer, timeout=5, retries=0)
        assert await connected.connect()
        try:
            yield connected
        finally:
            connected.close()


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
async def test_a_client_reads_several_units(framing):
    async with client(framing) as asked:
        for unit, offset in ((1, 0), (2, 1000), (1, 0)):
            reply = await asked.read_holding_registers(100, count=9, device_id=unit)
            assert reply.registers == [offset + a for a in range(100, 109)]
        assert (await asked.read_input_registers(7, count=2, device_id=2)).registers == [0x0102, 0x0102]
        assert (await asked.read_holding_registers(109, count=1, device_id=1)).registers == [5]  # NOW_NS


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
async def test_what_does_not_exist_is_an_exception(framing):
    async with client(framing) as asked:
        for address, count in ((99, 1), (109, 2), (500, 1)):
            reply = await asked.read_holding_registers(address, count=count, device_id=1)
            assert (reply.isError(), reply.exception_code) == (True, 2)
        reply = await asked.write_register(100, 1, device_id=1)
        assert (reply.isError(), reply.exception_code) == (True, 1)
        assert not (await asked.read_holding_registers(100, count=1, device_id=1)).isError()


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
async def test_late_and_paced_answers_are_the_same_answers(framing):
    async with client(framing, delay_s=0.01, baud=115_200) as asked:
        reply = await asked.read_holding_registers(100, count=3, device_id=2)
        assert reply.registers == [1100, 1101, 1102]


def tcp_frame(transaction: int, unit: int, address: int) -> bytes:
    return struct.pack(">HHHBBHH", transaction, 0, 6, unit, 3, address, 1)


def rtu_frame(unit: int, address: int) -> bytes:
    frame = struct.pack(">BBHH", unit, 3, address, 1)
    return frame + crc16(frame).to_bytes(2, "little")


async def exchange(framing: Literal["tcp", "rtu"], sent: list[bytes], size: int) -> bytes:
    async with serving(framing, answering(UNITS, lambda: NOW_NS), 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for data in sent:
                writer.write(data)
                await writer.drain()
            return await asyncio.wait_for(reader.readexactly(size), 5)
        finally:
            writer.close()


async def test_pipelined_requests_are_answered_in_order():
    sent = b"".join(tcp_frame(i, 1 + i % 2, 100 + i) for i in range(8))
    replies = await exchange("tcp", [sent], 8 * 11)
    for i in range(8):
        expected = struct.pack(">HHHBBBH", i, 0, 5, 1 + i % 2, 3, 2, 100 + i + 1000 * (i % 2))
        assert replies[i * 11 : i * 11 + 11] == expected


async def test_a_request_may_come_in_pieces():
    frame = tcp_frame(7, 1, 101)
    assert (await exchange("tcp", [frame[:3], frame[3:9], frame[9:]], 11))[-2:] == b"\x00\x65"


@pytest.mark.parametrize(("framing", "size"), [("tcp", 11), ("rtu", 7)])
async def test_a_unit_that_is_not_there_is_silent(framing, size):
    asked = [tcp_frame(1, 9, 100), tcp_frame(2, 1, 100)] if framing == "tcp" else [rtu_frame(9, 100), rtu_frame(1, 100)]
    reply = await exchange(framing, asked, size)
    assert reply == (b"\x00\x02\x00\x00\x00\x05\x01\x03\x02\x00\x64" if framing == "tcp" else reply_of_unit_1(100))


def reply_of_unit_1(value: int) -> bytes:
    frame = struct.pack(">BBBH", 1, 3, 2, value)
    return frame + crc16(frame).to_bytes(2, "little")


async def test_a_damaged_frame_is_dropped_with_what_follows_it_at_once():
    good, asked = rtu_frame(1, 103), rtu_frame(1, 100)
    damaged = bytes([good[0], good[1] ^ 1]) + good[2:]
    heard = []

    async def listening(_unit_id: int, request: bytes) -> bytes:
        heard.append(request)
        return respond(UNITS[1], request, NOW_NS)

    async with serving("rtu", listening, 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(damaged + b"\x01\x03")
        reply = b""
        while not reply:  # the line may still be falling silent: ask again, as a client does
            writer.write(asked)
            try:
                reply = await asyncio.wait_for(reader.readexactly(7), 0.2)
            except TimeoutError:
                continue
        writer.close()
    assert reply == reply_of_unit_1(100)
    assert set(heard) == {asked[1:-2]}


async def test_leaving_closes_connections_and_frees_the_port(caplog):
    async with serving("tcp", answering(UNITS, lambda: NOW_NS), 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(tcp_frame(1, 1, 100))
        await asyncio.wait_for(reader.readexactly(11), 5)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    async with serving("tcp", answering(UNITS, lambda: NOW_NS), port) as again:
        assert again == port
    assert not caplog.records


REQUESTS = {
    "0300640000": "8303",  # no registers
    "030064007e": "8303",  # 126 registers
    "0300": "8303",  # cut off
    "0400070001": "04020102",
    "0300640001": "03020064",
    "0400080001": "8402",
    "0100000001": "8101",
    "2b0e0100": "ab01",
}


@pytest.mark.parametrize(("request_hex", "answer_hex"), REQUESTS.items())
def test_answers_by_the_specification(request_hex, answer_hex):
    assert respond(UNITS[1], bytes.fromhex(request_hex), NOW_NS).hex() == answer_hex


def test_crc_of_the_serial_line_specification():
    assert crc16(b"\x02\x07") == 0x1241  # its worked example: 02 07 is followed by 41 12
    assert crc16(bytes.fromhex("02074112")) == 0


@pytest.mark.parametrize("kind", ["exception", "busy"])
async def test_nobody_answers_for_a_unit_that_is_not_there(kind):
    async def answer(unit, _request):
        return b"\x03\x02\x00\x64" if unit == 1 else None

    faulty = modbus_server.faulty(answer, lambda _unit: Hit(kind, code=6))
    assert await faulty(1, b"\x03\x00\x00\x00\x01") == b"\x83\x06"
    assert await faulty(9, b"\x03\x00\x00\x00\x01") is None
