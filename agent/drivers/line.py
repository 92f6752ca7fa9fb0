"""A line of bytes: a serial port, or a TCP connection to a serial device server.

In: bytes to send. Out: bytes heard, in order, as they come. Never: frames, retries, or a wait without an end.

Both are a file descriptor of the running event loop. pyserial opens and sets a port, and takes no further part: its
reads block, and its answer to an adapter that was pulled out is an exception in a callback.
"""

import asyncio
import errno
import os
import socket
import termios
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import serial

CHUNK = 4096
HINTS = {
    errno.ENOENT: "no such port: is the adapter plugged in? Name it by /dev/serial/by-id, which stays the same",
    errno.EACCES: "no permission: add the agent's user to the group that owns it, mostly dialout",
    errno.EAGAIN: "another program has it open",
    errno.EBUSY: "another program has it open",
}


class LineGone(Exception):
    """The port or the connection is not there, or no longer. The message is one line without its name."""


@dataclass(frozen=True, slots=True)
class Serial:
    """A serial port and its settings; eight data bits."""

    device: str
    baud: int
    parity: Literal["N", "E", "O"]
    stop_bits: Literal[1, 2]


class Line:
    """An open line. One task writes and listens. `close` it; it also closes itself when it finds the line gone."""

    def __init__(self, descriptor: int, close: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._release: Callable[[], None] | None = close
        self._heard = bytearray()
        self._gone = ""
        self._came = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(descriptor, self._ready)

    def write(self, data: bytes) -> None:
        """Send bytes. Raises LineGone; also if the line takes no more, since a request is short and nothing waits."""
        if self._release is None:
            raise LineGone(self._gone or "it is closed")
        try:
            sent = os.write(self._descriptor, data)
        except OSError as error:
            self._lose(error.strerror or str(error))
            raise LineGone(self._gone) from error
        if sent != len(data):
            self._lose("it takes no more bytes")
            raise LineGone(self._gone)

    def take(self) -> bytes:
        """Return what has been heard since the last call. Raises LineGone if that is nothing and the line is gone."""
        data = bytes(self._heard)
        self._heard.clear()
        self._came.clear()
        if not data and self._release is None:
            raise LineGone(self._gone or "it is closed")
        return data

    async def hear(self, until_s: float) -> bytes:
        """Wait for bytes until an instant of the loop's clock; none come: b"". Raises LineGone."""
        try:
            async with asyncio.timeout_at(until_s):
                await self._came.wait()
        except TimeoutError:
            return b""
        return self.take() if self._loop.time() < until_s else b""

    def close(self) -> None:
        """Let go of the port or the connection."""
        if self._release is not None:
            self._loop.remove_reader(self._descriptor)
            self._release()
            self._release = None
        self._came.set()

    def _ready(self) -> None:
        try:
            data = os.read(self._descriptor, CHUNK)
        except BlockingIOError:
            return
        except OSError as error:  # a pulled adapter gives EIO, a reset connection ECONNRESET
            self._lose(error.strerror or str(error))
            return
        if not data:  # the other side closed, or a port that is ready to read and has nothing: it was pulled
            self._lose("it was closed")
            return
        self._heard += data
        self._came.set()

    def _lose(self, why: str) -> None:
        self._gone = why
        self.close()


def open_serial(port: Serial) -> Line:
    """Open a serial port for this process alone. Raises LineGone."""
    try:
        opened = serial.Serial(
            port.device, port.baud, parity=port.parity, stopbits=port.stop_bits, timeout=0, exclusive=True
        )
    except (OSError, ValueError, termios.error) as error:  # pyserial's own exception is an OSError
        raise LineGone(_why_not(error)) from error
    return Line(opened.fileno(), opened.close)


async def open_tcp(host: str, port: int, timeout_s: float) -> Line:
    """Connect. Raises LineGone if that fails or takes longer."""
    loop = asyncio.get_running_loop()
    failed = "no connection"
    try:
        async with asyncio.timeout(timeout_s):
            for family, kind, protocol, _, place in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                connection = socket.socket(family, kind, protocol)
                connection.setblocking(False)
                try:
                    await loop.sock_connect(connection, place)
                except OSError as error:
                    connection.close()
                    failed = f"no connection: {os.strerror(error.errno or 0)}"
                except BaseException:
                    connection.close()
                    raise
                else:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    return Line(connection.fileno(), connection.close)
    except (OSError, TimeoutError) as error:  # the name is unknown, or nobody answers
        raise LineGone("no connection") from error
    except UnicodeError as error:
        raise LineGone(f"no connection: {host!r} is no name of a host: correct it") from error
    raise LineGone(failed)


def _why_not(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, termios.error):  # pyserial lets it through where a port refuses a setting: (number, words)
        return f"cannot be opened with these settings: {error.args[-1]}"
    if number is None:  # pyserial's own words, mostly about a setting
        return f"cannot be opened: {' '.join(str(error).split())}"
    return HINTS.get(number, f"cannot be opened: {os.strerror(number)}")
