"""A byte line over a pseudo-terminal and over a loopback socket: what is sent, heard, and lost."""

import asyncio
import os
import termios
import tty

import pytest

from agent.drivers.line import LineGone, Serial, open_serial, open_tcp


@pytest.fixture
def terminal():
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    yield ours, os.ttyname(theirs)
    for descriptor in (ours, theirs):
        try:
            os.close(descriptor)
        except OSError:
            continue  # the test closed it


def soon():
    return asyncio.get_running_loop().time() + 5


async def everything(line, heard=None):
    while True:
        data = await line.hear(soon())
        if heard is not None:
            heard += data


def now():
    return asyncio.get_running_loop().time()


async def test_a_serial_port_carries_bytes_both_ways(terminal):
    ours, path = terminal
    line = open_serial(Serial(path, 2400, "E", 1))
    line.write(bytes(range(256)))
    assert os.read(ours, 512) == bytes(range(256))
    os.write(ours, b"\x11\x13\r\n\x00\xff")  # what a terminal would swallow or change
    heard = b""
    while len(heard) < 6:
        heard += await line.hear(soon())
    assert heard == b"\x11\x13\r\n\x00\xff"
    line.close()


async def test_silence_ends_at_its_instant(terminal):
    line = open_serial(Serial(terminal[1], 9600, "N", 1))
    assert await line.hear(now()) == b""
    assert line.take() == b""
    line.close()
    with pytest.raises(LineGone, match="it is closed"):
        line.write(b"x")


async def test_a_pulled_adapter_is_told(terminal):
    ours, path = terminal
    line = open_serial(Serial(path, 9600, "N", 1))
    os.close(ours)
    with pytest.raises(LineGone):
        await everything(line)
    with pytest.raises(LineGone):
        line.write(b"x")


async def test_a_port_that_is_not_there_says_what_to_do():
    with pytest.raises(LineGone, match="no such port: is the adapter plugged in"):
        open_serial(Serial("/dev/ttyUSB99", 9600, "N", 1))


async def test_a_port_is_opened_once(terminal):
    line = open_serial(Serial(terminal[1], 9600, "N", 1))
    with pytest.raises(LineGone, match="another program has it open"):
        open_serial(Serial(terminal[1], 9600, "N", 1))
    line.close()
    open_serial(Serial(terminal[1], 9600, "N", 1)).close()


async def test_what_is_no_port_is_one_line(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("")
    with pytest.raises(LineGone) as caught:
        open_serial(Serial(str(plain), 9600, "N", 1))
    assert "\n" not in str(caught.value)
    assert str(caught.value)


async def test_a_connection_carries_bytes_and_its_end_is_told():
    async def echo(reader, writer):
        writer.write(await reader.readexactly(3))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        line = await open_tcp("127.0.0.1", server.sockets[0].getsockname()[1], 5)
        line.write(b"abc")
        heard = bytearray()
        with pytest.raises(LineGone, match="it was closed"):
            await everything(line, heard)
        assert heard == b"abc"


async def test_a_name_that_no_host_can_have_is_told():
    with pytest.raises(LineGone, match=r"^no connection: 'meter\.\.local' is no name of a host: correct it$"):
        await open_tcp("meter..local", 502, 5)


async def test_nobody_there_is_told():
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(LineGone, match="no connection: Connection refused"):
        await open_tcp("127.0.0.1", port, 5)
    with pytest.raises(LineGone, match="no connection"):
        await open_tcp("no-such-host.invalid", 1, 5)


async def test_a_setting_that_a_port_refuses_is_one_line(terminal, monkeypatch):
    def refused(*_):
        raise termios.error(22, "Invalid argument")

    monkeypatch.setattr(termios, "tcsetattr", refused)
    with pytest.raises(LineGone, match="^cannot be opened with these settings: Invalid argument$"):
        open_serial(Serial(terminal[1], 9600, "N", 1))
