"""A listener that comes and goes: taken down, brought back, deaf, and closed to a second client."""

import asyncio
import contextlib

import pytest

from simulators import virtual
from simulators.listener import Listener


async def echo(reader, writer):
    while data := await reader.read(99):
        writer.write(data)


async def says(port, word):
    """What comes back to a word within a second; None if the connection ends, or nothing does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    return writer, await again(reader, writer, word)


async def again(reader, writer, word):
    writer.write(word)
    with contextlib.suppress(TimeoutError, ConnectionError):
        return await asyncio.wait_for(reader.read(99), 1) or None
    return None


def test_a_second_client_is_hung_up_on():
    async def scene():
        listener = Listener(echo, "127.0.0.1", 0)
        await listener.open()
        listener.connections_max = 1
        first, heard = await says(listener.port, b"one")
        _, refused = await says(listener.port, b"two")
        first.close()
        await asyncio.sleep(1)
        _, after = await says(listener.port, b"three")
        await listener.close()
        return heard, refused, after

    assert virtual.run(scene()) == (b"one", None, b"three")


def test_who_was_there_when_it_went_deaf_is_never_heard_again():
    async def scene():
        listener = Listener(echo, "127.0.0.1", 0)
        await listener.open()
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        heard = [await again(reader, writer, b"a")]
        listener.deafen()
        heard += [await again(reader, writer, b"b"), (await says(listener.port, b"c"))[1]]
        listener.hear()
        heard += [await again(reader, writer, b"d"), (await says(listener.port, b"e"))[1]]
        is_open = not writer.is_closing()
        await listener.close()
        return heard, is_open

    assert virtual.run(scene()) == ([b"a", None, None, None, b"e"], True)


async def test_it_comes_back_at_the_same_port():
    listener = Listener(echo, "127.0.0.1", 0)
    await listener.open()
    port = listener.port
    writer, heard = await says(port, b"a")
    await listener.close()
    with pytest.raises(ConnectionRefusedError):
        await says(port, b"b")
    await listener.open()
    assert (heard, listener.port) == (b"a", port)
    assert (await says(port, b"c"))[1] == b"c"
    writer.close()
    await listener.close()
