"""A door in front of any TCP server that can be shut or frozen, as a server's own process can.

In: the port of the server behind, and orders. Out: its bytes, or nothing. Frozen, it still accepts connections and
swallows no byte: what arrives waits and is handed on when it thaws. Shut, it refuses connections and breaks open ones.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

CHUNK = 65_536


class Gate:
    """Stands between clients and one server."""

    def __init__(self, behind: Callable[[], int], host: str = "127.0.0.1") -> None:
        """`behind` is asked for the server's port at every connection."""
        self._behind, self._host = behind, host
        self.port = 0
        self._listener: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Accept connections, always at the same port once one was chosen. Raises OSError if it is taken."""
        if self._listener is None:
            self._listener = await asyncio.start_server(self._serve, self._host, self.port)
            self.port = self._listener.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Refuse connections and break those there are, as a killed process does."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        for writer in list(self._open):
            writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def freeze(self) -> None:
        """Hand nothing on any more, as a stopped process does."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Hand on what waited, and go on."""
        self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._open.add(writer)
        with suppress(asyncio.CancelledError):  # only `shut` cancels; asyncio would log what ends so
            await self._relay(reader, writer)
        self._open.discard(writer)
        writer.close()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._flowing.wait()
            inner_reader, inner_writer = await asyncio.open_connection(self._host, self._behind())
            self._open.add(inner_writer)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump(reader, inner_writer))
                    both.create_task(self._pump(inner_reader, writer))
            finally:
                self._open.discard(inner_writer)
                inner_writer.close()
        except* (OSError, _Ended):
            pass

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            await self._flowing.wait()
            writer.write(data)
            await writer.drain()
        raise _Ended


class _Ended(Exception):
    """One side has hung up: so does the other."""


@asynccontextmanager
async def standing(port: int) -> AsyncIterator[Gate]:
    """A gate before a server's port, open while the context is."""
    gate = Gate(lambda: port)
    await gate.open()
    try:
        yield gate
    finally:
        gate.thaw()
        await gate.shut()
