"""Virtual time: hours pass in order; connections in memory behave as real ones."""

import asyncio

import pytest

from simulators import virtual


def test_an_hour_takes_no_time_and_keeps_its_order():
    async def scene():
        loop = asyncio.get_running_loop()
        seen = []

        async def note(after_s):
            await asyncio.sleep(after_s)
            seen.append((after_s, round(loop.time(), 6)))

        await asyncio.gather(*(note(after_s) for after_s in (3600, 1, 0.25)))
        return seen, loop.now_ns()

    assert virtual.run(scene()) == ([(0.25, 0.25), (1, 1), (3600, 3600)], 3600 * 10**9)


def test_a_timeout_is_a_timeout():
    async def scene():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.sleep(9), 2)
        return asyncio.get_running_loop().time()

    assert virtual.run(scene()) == pytest.approx(2)


def test_who_waits_for_nothing_is_told():
    async def scene():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="nothing is left that could happen"):
        virtual.run(scene())


def test_streams_over_memory():
    async def scene():
        async def serve(reader, writer):
            writer.write((await reader.readexactly(3))[::-1])
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"ab")
        writer.write(b"c")
        heard = await reader.read()  # to the end: the server hangs up
        with pytest.raises(OSError, match="taken"):
            await asyncio.start_server(serve, "127.0.0.1", port)
        server.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        return heard, writer.is_closing()

    assert virtual.run(scene()) == (b"cba", True)


def test_a_protocol_that_fails_loses_its_connection():
    class Failing(asyncio.Protocol):
        lost = None

        def data_received(self, data):
            raise ValueError(data)

        def connection_lost(self, exc):
            self.lost = exc

    async def scene():
        async def serve(_reader, writer):
            writer.write(b"x")

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        transport, protocol = await asyncio.get_running_loop().create_connection(Failing, "127.0.0.1", port)
        await asyncio.sleep(1)
        return transport.is_closing(), str(protocol.lost)

    assert virtual.run(scene()) == (True, "b'x'")
