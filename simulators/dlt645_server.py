"""DL/T 645-2007 meters on one line: over TCP as behind a serial device server, or as a serial device.

In: what the meters show at an instant (`Meter`) by their addresses, a clock. Out: answers in the order of the requests.
Never: a value older than the request; the codec is written apart from the driver's, so that they share no mistake.

`Answer` is the seam: from a request's frame to whatever is sent back, or None for silence. The transports know nothing
else, and what wraps an answer can hold it back, spoil, repeat or withhold it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Protocol

from agent.drivers.point import Point
from agent.drivers.profile import Profile
from simulators import meter as simulated
from simulators.listener import Listener, Serve

WAKE = b"\xfe" * 4
BITS_PER_CHARACTER = 11  # 8E1
NO_SUCH_ITEM, OTHER_ERROR = 0x02, 0x01

Answer = Callable[[bytes], Awaitable[bytes | None]]


class Meter(Protocol):
    """Something with data items that may change with time."""

    def item(self, di: str, at_ns: int) -> bytes | None:
        """Return an item's bytes, most significant first; None if there is none. `di` is upper-case, DI3 first."""
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """A meter that shows values: `value(point, at_ns)` in each point's unit; address, number and clock by itself."""

    address: str
    points: tuple[Point, ...]
    value: Callable[[Point, int], Fraction]

    def item(self, di: str, at_ns: int) -> bytes | None:
        """Return an item's bytes; a counter shows what has been completed and rolls over, a gauge the nearest."""
        now = datetime.fromtimestamp(at_ns // 10**9, UTC)
        own = {
            "04000401": self.address,
            "04000402": self.address,
            "04000101": now.strftime("%y%m%d0%w"),
            "04000102": now.strftime("%H%M%S"),
        }
        if di in own:
            return bytes.fromhex(own[di])
        found = [point for point in self.points if str(point.di).upper() == di]
        return digits(found[0], self.value(found[0], at_ns)) if found else None


def showing(meter: simulated.Meter, profile: Profile) -> Shown:
    """Return what a plant's meter shows as data items; its address is its unit id in 12 digits."""
    return Shown(f"{meter.config.unit:012d}", profile.points, meter.shown)


def digits(point: Point, value: Fraction) -> bytes:
    """Return decimal digits two a byte, most significant first, with a sign bit where the type has one.

    Raises OverflowError for a gauge that does not fit.
    """
    shown = value / Fraction(10) ** point.scale
    places = point.bits // 4
    whole = int(shown) % 10**places if point.kind == "counter" else round(shown)
    is_signed = point.type.endswith("_signed")
    if (whole < 0 and not is_signed) or abs(whole) >= (8 if is_signed else 10) * 10 ** (places - 1):
        raise OverflowError(f"{point.id}: {whole} does not fit {point.type}")
    data = bytearray.fromhex(f"{abs(whole):0{places}d}")
    if whole < 0:
        data[0] |= 0x80
    return bytes(data)


def framed(address: str, control: int, data: Iterable[int]) -> bytes:
    """Return a frame; data in wire order, without the 33H."""
    body = [0x68, *reversed(bytes.fromhex(address)), 0x68, control]
    coded = [(byte + 0x33) % 256 for byte in data]
    body += [len(coded), *coded]
    return bytes([*body, sum(body) % 256, 0x16])


def answering(meters: Mapping[str, Meter], now_ns: Callable[[], int]) -> Answer:
    """Return the faultless answer of some meters by address; who is not among them is silent."""

    async def answer(frame: bytes) -> bytes | None:
        address = frame[6:0:-1].hex()
        meter = meters.get(address)
        return None if meter is None else WAKE + respond(meter, address, frame, now_ns())

    return answer


def delayed(answer: Answer, delay_s: float) -> Answer:
    """Return the same answers, each so much later."""

    async def answer_late(frame: bytes) -> bytes | None:
        await asyncio.sleep(delay_s)
        return await answer(frame)

    return answer_late


def respond(meter: Meter, address: str, frame: bytes, at_ns: int) -> bytes:
    """Return a meter's answer to a frame; anything but reading one item is refused."""
    if frame[8] != 0x11 or frame[9] != 4:
        return framed(address, frame[8] | 0xC0, [OTHER_ERROR])
    asked = [(byte - 0x33) % 256 for byte in frame[10:14]]
    data = meter.item(bytes(reversed(asked)).hex().upper(), at_ns)
    if data is None:
        return framed(address, 0xD1, [NO_SUCH_ITEM])
    return framed(address, 0x91, [*asked, *reversed(data)])


@asynccontextmanager
async def serving(answer: Answer, port: int, *, host: str = "127.0.0.1", baud: int = 0) -> AsyncIterator[int]:
    """Listen while the context is open and yield the port (that chosen by the system for 0).

    `baud` paces the line as its characters would (0: no pacing). Raises OSError if the port is taken.
    """
    opened = Listener(serve_line(answer, baud), host, port)
    await opened.open()
    try:
        yield opened.port
    finally:
        await opened.close()


def serve_line(answer: Answer, baud: int) -> Serve:
    """Return what serves one connection or one serial device; all connections share one line."""
    line = asyncio.Lock()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests = Requests()
        while data := await reader.read(256):
            for frame in requests.of(data):
                async with line:
                    sent = await _paced(answer, frame, baud)
                writer.write(sent)
                await writer.drain()

    return serve


class Requests:
    """The frames in a stream of bytes. What precedes a frame is skipped; a frame with a wrong sum is not answered."""

    def __init__(self) -> None:
        self._heard = bytearray()

    def of(self, data: bytes) -> Iterator[bytes]:
        """Yield the frames that are complete with these bytes."""
        self._heard += data
        while (start := self._heard.find(0x68)) >= 0:
            del self._heard[:start]
            if len(self._heard) < 10 or len(self._heard) < (size := self._heard[9] + 12):
                return
            frame = bytes(self._heard[:size])
            del self._heard[:size]
            if sum(frame[:-2]) % 256 == frame[-2] and frame[-1] == 0x16:
                yield frame


async def _paced(answer: Answer, frame: bytes, baud: int) -> bytes:
    """Return what to send back, when its last character would have arrived."""
    if baud:
        await asyncio.sleep((len(WAKE) + len(frame)) * BITS_PER_CHARACTER / baud)
    sent = await answer(frame) or b""
    if baud and sent:
        await asyncio.sleep(len(sent) * BITS_PER_CHARACTER / baud)
    return sent
