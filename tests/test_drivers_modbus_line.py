"""The line: what a request costs, when a connection is kept or given up, and the pauses between frames."""

import asyncio
import contextlib

import pytest
from modbus_plant import Server, in_virtual_time

from agent.drivers.modbus_bus import Bus
from agent.drivers.modbus_line import Line, LineError, MisfitError, SilentError


@contextlib.asynccontextmanager
async def line_to(kind, timeout_ms=1000, pause_ms=0, **server_keys):
    server = Server(kind, **server_keys)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    zeros = []
    line = Line(Bus(kind=kind, host="127.0.0.1", port=port, timeout_ms=timeout_ms, pause_ms=pause_ms), zeros.append)
    try:
        yield server, line
    finally:
        line.close()
        listener.close()


async def ask(line, unit=1, address=10, count=1):
    await line.ready()
    return await line.ask(unit, 3, address, count)


@in_virtual_time
async def test_a_timeout_is_learned_and_never_below_50_ms():
    async with line_to("tcp") as (_, line):
        assert line.timeout_s(1, 3, 1) == 1.0
        for _ in range(8):
            assert (await ask(line)).registers == [10]
        assert line.timeout_s(1, 3, 1) == pytest.approx(0.05)
        assert line.timeout_s(1, 3, 2) == 1.0  # never answered at that length


def test_on_a_serial_line_the_frames_own_time_comes_on_top():
    line = Line(Bus(kind="rtu", device="/dev/null", baud=9600), lambda _: None)
    for _ in range(8):
        line._latency(1).answered(60, 0.001)
    characters = 8 + 5 + 2 * 60
    assert line.timeout_s(1, 3, 60) == pytest.approx(0.05 + characters * 10 / 9600)


@in_virtual_time
async def test_a_pause_is_counted_from_the_last_byte_and_no_longer_than_needed():
    async with line_to("tcp", pause_ms=100) as (_, line):
        await ask(line)
        begun_s = line.now_s()
        await ask(line)
        assert line.now_s() - begun_s == pytest.approx(0.1)
        await asyncio.sleep(0.07)
        begun_s = line.now_s()
        await ask(line)
        assert line.now_s() - begun_s == pytest.approx(0.03)


@in_virtual_time
async def test_a_request_ends_when_the_connection_does():
    async with line_to("tcp", 60_000) as (server, line):
        server.reply = lambda _: server.writer.close()
        begun_s = line.now_s()
        with pytest.raises(LineError, match="the connection was closed before an answer came"):
            await ask(line)
        assert line.now_s() - begun_s < 1


@in_virtual_time
async def test_a_tcp_answer_that_does_not_fit_ends_the_request_at_once():
    async with line_to("tcp", 60_000, reply=lambda _: (1, bytes([3, 2, 0]))) as (_, line):
        with pytest.raises(MisfitError):
            await ask(line)
        assert line.now_s() < 1


@in_virtual_time
async def test_what_is_owed_is_remembered_over_a_new_connection():
    async with line_to("rtu_over_tcp", 200, reply=lambda _: None) as (_, line):
        with pytest.raises(SilentError, match="no answer within 200 ms"):
            await ask(line)
        line.close()
        assert line.ear.owes(1)  # a device server hands late bytes to whoever is connected
        assert line.owed_s(1, 3, 1) == pytest.approx(0.2)


@in_virtual_time
async def test_the_first_rtu_connection_listens_for_the_whole_timeout_later_ones_are_quick():
    async with line_to("rtu_over_tcp", 1000) as (_, line):
        assert line.opening_s() == pytest.approx(2.0)
        await line.ready()
        assert asyncio.get_running_loop().time() == pytest.approx(1.0, abs=0.01)
        assert line.opening_s() == 0
        line.close()
        assert line.opening_s() == pytest.approx(1.05)
        await line.ready()
        assert asyncio.get_running_loop().time() == pytest.approx(1.05, abs=0.01)


@in_virtual_time
async def test_transaction_ids_go_on_over_a_new_connection():
    async with line_to("tcp") as (server, line):
        await ask(line)
        line.close()
        await ask(line)
        assert [request.tid for request in server.requests] == [1, 2]
        assert server.connections == 2
