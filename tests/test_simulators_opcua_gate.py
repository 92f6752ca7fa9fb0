"""The gate: what passes, what waits, what breaks."""

import asyncio
import contextlib

import pytest

from simulators.opcua_gate import standing


@contextlib.asynccontextmanager
async def echo():
    async def serve(reader, writer):
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def said(reader, writer, word):
    writer.write(word)
    return await reader.readexactly(len(word))


async def test_bytes_pass_wait_and_stop():
    async with echo() as port, standing(port) as gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", gate.port)
        assert await said(reader, writer, b"one") == b"one"
        gate.freeze()
        answer = asyncio.create_task(said(reader, writer, b"two"))
        other = await asyncio.open_connection("127.0.0.1", gate.port)  # still accepted
        late = asyncio.create_task(said(*other, b"six"))
        await asyncio.wait([answer, late], timeout=0.05)
        assert not answer.done()
        assert not late.done()
        gate.thaw()
        assert (await answer, await late) == (b"two", b"six")
        await gate.shut()
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", gate.port)
        before = gate.port
        await gate.open()
        assert gate.port == before
        assert await said(*await asyncio.open_connection("127.0.0.1", gate.port), b"new") == b"new"


async def test_a_server_that_hangs_up_hangs_up_on_the_client():
    async def brief(_reader, writer):
        writer.close()

    server = await asyncio.start_server(brief, "127.0.0.1", 0)
    async with server, standing(server.sockets[0].getsockname()[1]) as gate:
        reader, _ = await asyncio.open_connection("127.0.0.1", gate.port)
        assert await reader.read() == b""
