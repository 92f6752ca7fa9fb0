"""A serial line as a local device: a pseudo-terminal with Modbus units, or any other protocol, at its far end.

In: what serves a connection, where a link to the device is wanted. Out: the path of the device.
Never: a baud rate of its own. A pseudo-terminal carries bytes at once, whatever rate is set on it, so what serves it
paces.
"""

import asyncio
import os
import tty
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from simulators.listener import Serve


@asynccontextmanager
async def serving(serve: Serve, link: Path | None = None) -> AsyncIterator[str]:
    """Serve while the context is open and yield the device's path: the link if there is one.

    Raises OSError if the link cannot be made; an old link is replaced, another file is not.
    """
    ours, theirs = os.openpty()
    try:
        tty.setraw(theirs)
        if link is not None:
            _link(link, os.ttyname(theirs))
        path = str(link) if link is not None else os.ttyname(theirs)
        heard, reader, writer = await _streams(ours)
        task = asyncio.create_task(_until_gone(serve, reader, writer))
        try:
            yield path
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            writer.close()
            heard.close()
    finally:
        os.close(theirs)  # kept open so far: a terminal without a holder hangs up
        _unlink(link)


async def _streams(ours: int) -> tuple[asyncio.BaseTransport, asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    heard, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(ours), "rb", 0)
    )
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), os.fdopen(ours, "wb", 0)
    )
    return heard, reader, asyncio.StreamWriter(transport, protocol, reader, loop)


async def _until_gone(serve: Serve, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        await serve(reader, writer)


def _link(link: Path, device: str) -> None:
    _unlink(link)
    link.symlink_to(device)


def _unlink(link: Path | None) -> None:
    if link is not None and link.is_symlink():
        link.unlink()
