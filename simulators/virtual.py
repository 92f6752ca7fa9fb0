"""An event loop in which waiting takes no time, with TCP connections in memory.

In: a coroutine. Out: its result, at once however long it sleeps: whenever nothing is left to do, the loop's clock jumps
to the next timer. `create_connection` and `create_server` (and so asyncio's streams) reach each other by port inside
the process; the order of all that happens is the same in every run.
Never: a socket, a thread, the clock of the machine.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")
Factory = Callable[[], asyncio.BaseProtocol]


def run(main: Coroutine[Any, Any, Result], loop: "Loop | None" = None) -> Result:
    """Run a coroutine to its end in virtual time. Raises RuntimeError if all of it waits for what never comes."""
    with asyncio.Runner(loop_factory=lambda: loop or Loop()) as runner:
        return runner.run(main)


class Loop(asyncio.SelectorEventLoop):
    """The loop; its time begins at 0."""

    def __init__(self) -> None:
        self._passed_s = 0.0
        self._listening: dict[int, Factory] = {}
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """Seconds of virtual time since the loop was made."""
        return self._passed_s

    def now_ns(self) -> int:
        """The same in whole nanoseconds: a clock to hand on."""
        return round(self._passed_s * 1e9)

    def jump(self, seconds: float) -> None:
        """Let time pass."""
        self._passed_s += seconds

    async def create_connection(  # type: ignore[override]  # asyncio's has an overload for each way to connect
        self, protocol_factory: Factory, host: str | None = None, port: int | None = None, **_: object
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """Connect to who listens on a port of this loop. Raises ConnectionRefusedError if nobody does."""
        await asyncio.sleep(0)
        accept = self._listening.get(port or 0)
        if accept is None:
            raise ConnectionRefusedError(f"nobody listens on {host}:{port} of this loop")
        ours, theirs = _End(self, protocol_factory(), port or 0), _End(self, accept(), port or 0)
        ours.peer, theirs.peer = theirs, ours
        theirs.begin()
        ours.begin()
        return ours, ours.get_protocol()

    async def create_server(  # type: ignore[override]  # as above
        self, protocol_factory: Factory, host: object = None, port: int = 0, **_: object
    ) -> "_Listening":
        """Listen on a port of this loop (for 0, the next free one). Raises OSError if it is taken."""
        chosen = port or next(free for free in range(40_000, 65_536) if free not in self._listening)
        if chosen in self._listening:
            raise OSError(f"port {chosen} of {host} is taken")
        self._listening[chosen] = protocol_factory
        return _Listening(self, chosen)

    def stop_listening(self, port: int) -> None:
        """Refuse further connections to a port."""
        self._listening.pop(port, None)


class _Jumping(selectors.DefaultSelector):
    """Waits for nothing but signals: a wait with an end is over at once, and time has passed."""

    def __init__(self, loop: Loop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As selectors have it, but that the wait is skipped."""
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("everything waits, and nothing is left that could happen")
        if not ready and timeout is not None and timeout > 0:
            self._loop.jump(timeout)
        return ready


class _End(asyncio.Transport):
    """One end of a connection. What is written arrives in the next turn of the loop."""

    peer: "_End"

    def __init__(self, loop: Loop, protocol: asyncio.BaseProtocol, port: int) -> None:
        super().__init__({"peername": ("127.0.0.1", port), "sockname": ("127.0.0.1", port)})
        self._loop = loop
        self._protocol = protocol
        self._closing = False

    def begin(self) -> None:
        """Tell the protocol."""
        self._protocol.connection_made(self)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """As asyncio has it."""
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """As asyncio has it."""
        self._protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send, unless this end is closed."""
        if not self._closing:
            self._loop.call_soon(self.peer.arrive, bytes(data))

    def arrive(self, data: bytes) -> None:
        """Hand over what the other end wrote."""
        protocol: Any = self._protocol  # pymodbus's is a protocol by its methods alone
        if self._closing:
            return
        try:
            protocol.data_received(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, asyncio's transports end the connection over it
            self.close(error)

    def is_closing(self) -> bool:
        """As asyncio has it."""
        return self._closing

    def is_reading(self) -> bool:
        """As asyncio has it."""
        return not self._closing

    def close(self, error: Exception | None = None) -> None:
        """Close both ends, this one for good."""
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self.peer.close)
            self._loop.call_soon(self._protocol.connection_lost, error)

    def abort(self) -> None:
        """Close: nothing is ever left unsent."""
        self.close()

    def pause_reading(self) -> None:
        """Does nothing: memory holds whatever is written."""

    def resume_reading(self) -> None:
        """Does nothing either."""

    def can_write_eof(self) -> bool:
        """No half-closed connections."""
        return False

    def get_write_buffer_size(self) -> int:
        """Nothing ever waits to be sent."""
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Does nothing either."""


class _Socket:
    """What a listener's address is asked of."""

    def __init__(self, port: int) -> None:
        self._port = port

    def getsockname(self) -> tuple[str, int]:
        """As sockets have it."""
        return "127.0.0.1", self._port


class _Listening:
    """A listener as asyncio gives it."""

    def __init__(self, loop: Loop, port: int) -> None:
        self._loop = loop
        self._port = port
        self.sockets = (_Socket(port),)

    def close(self) -> None:
        """Refuse further connections; those there are stay."""
        self._loop.stop_listening(self._port)

    async def wait_closed(self) -> None:
        """Closed at once."""
