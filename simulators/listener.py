"""A TCP listener that can be taken down, brought back and made to misbehave while it runs.

In: what serves one connection, an address. Out: open connections, each served by a task of its own.
Never: a byte of its own; which protocol is spoken is not its affair.
"""

import asyncio
from collections.abc import Awaitable, Callable

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """Accepts connections while it is open.

    `connections_max`: further clients are hung up on at once (0: no limit).
    """

    def __init__(self, serve: Serve, host: str, port: int) -> None:
        self.port = port
        self.connections_max = 0
        self._serve = serve
        self._host = host
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._served: set[asyncio.Task[None]] = set()
        self._deaf = False

    async def open(self) -> None:
        """Listen; `port` is then the one chosen by the system if it was 0. Raises OSError if the port is taken."""
        self._server = await asyncio.start_server(self._connected, self._host, self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening and close every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def deafen(self) -> None:
        """Serve nobody any more: neither who is connected now nor who connects before `hear`."""
        self._deaf = True
        for task in self._served:
            task.cancel()

    def hear(self) -> None:
        """Serve those who connect from now on; who was deafened stays unheard."""
        self._deaf = False

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.connections_max and len(self._connections) >= self.connections_max:
            writer.close()
            return
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            await self._attend(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the other side hung up, or we leave: nothing awaits this task, and a cancelled one would be logged
        finally:
            writer.close()

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._deaf:
            served = asyncio.ensure_future(self._serving(reader, writer))
            self._served.add(served)
            try:
                await asyncio.wait([served])
            finally:
                served.cancel()
                self._served.discard(served)
            if not served.cancelled():
                return served.result()
        while await reader.read(4096):
            pass  # half-open: what is said arrives, and nobody answers
        return None

    async def _serving(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._serve(reader, writer)
