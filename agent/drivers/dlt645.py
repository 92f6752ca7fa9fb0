"""DL/T 645-2007: the meters of Chinese utilities and factories, on a serial line or behind a serial device server.

In: a bus, and for each meter on it its address and profile. Out: scans of data items, one request an item. Never: any
request but to read (11H), a retry of its own, a block or a following frame, or an item from an answer that does not
carry the meter's address and the item's identifier.

An answer that comes late could only pass for that to a later request for the same item. So after silence, an
interruption or a broken frame, and before the first request ever, a meter is asked for its own address (04000401) until
it answers: lines keep the order, so what was late has come by then and is thrown away. A refusal carries no identifier;
a late one can cost a later item its value, never give it a wrong one. What cannot be told from a fresh answer is a
second copy of an old one that arrives within a later request for the same item.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.drivers import (
    BAD_COMMUNICATION_ERROR,
    BAD_DECODING_ERROR,
    BAD_NOT_CONNECTED,
    BAD_TIMEOUT,
    GOOD,
    Scan,
    Target,
    Tell,
    Unreachable,
)
from agent.drivers.dlt645_frame import Answer, answer, reading, request, scan
from agent.drivers.line import Line, LineGone, Serial, open_serial, open_tcp
from agent.drivers.point import Point

ADDRESS_ITEM = "04000401"  # every meter has it
DIGITS = re.compile("[0-9]{12}")
BROADCAST = "999999999999"
SILENCES_MAX = 3  # requests on a TCP connection without an answer or a byte of others between them


class Bus(BaseModel):
    """Where a bus is reached: a serial port, or a serial device server that passes bytes through unchanged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["serial", "tcp"]
    device: str = ""
    baud: int = Field(default=2400, ge=300, le=115_200)
    parity: Literal["N", "E", "O"] = "E"
    stop_bits: Literal[1, 2] = 1
    host: str = ""
    port: int = Field(default=0, ge=0, le=65535)
    timeout_ms: int = Field(default=1500, ge=10, le=60_000)  # a request, at most 500 ms, and an answer, at 2400 baud
    pause_ms: int = Field(default=0, ge=0, le=10_000)  # before each request, for devices that need it
    wake: int = Field(default=4, ge=0, le=16)  # FE bytes before a request

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.kind == "serial":
            if not self.device:
                raise ValueError('device: missing: name the serial port, as "/dev/serial/by-id/..."')
            if self.host or self.port:
                raise ValueError('host: a serial bus has neither host nor port: remove them, or set kind = "tcp"')
        else:
            if self.device:
                raise ValueError('device: a tcp bus has none: remove it, or set kind = "serial"')
            if not self.host or not self.port:
                raise ValueError(f"{'port' if self.host else 'host'}: missing: name host and port of the device server")
        return self

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.device or f"{self.host}:{self.port}"

    def located(self, _folder: Path) -> Self:
        """The same: a device's path is the machine's, not the configuration's."""
        return self


class _SilentError(Exception):
    """No answer to a request."""


class _BrokenError(Exception):
    """Something was heard, but no whole frame."""


def open_driver(bus: Bus, meters: Mapping[str, Target], now_ns: Callable[[], int], _tell: Tell) -> "Dlt645Driver":
    """Check the meters; the line is opened by the first read.

    Raises ValueError, one line for each meter that cannot be read over this bus.
    """
    problems = []
    owners: dict[str, str] = {}
    for name, meter in meters.items():
        owner = owners.setdefault(meter.address, name)
        if owner != name and meter.address:
            problems.append(f"{name}.address: {meter.address} is {owner}'s already: give each meter its own")
        if any(point.di is None for point in meter.profile.points):
            made = f"{meter.profile.make} {meter.profile.model}"
            problems.append(f"{name}: profile {made} is not for DL/T 645: choose one with data items, as dlt645-2007")
        if not DIGITS.fullmatch(meter.address) or meter.address == BROADCAST:
            problems.append(
                f"{name}.address: {meter.address!r} is no meter's address: give the 12 digits on its plate"
                ' (fewer: zeros before them), as address = "000012345678"'
            )
    if problems:
        raise ValueError("\n".join(problems))
    return Dlt645Driver(bus, meters, now_ns)


class Dlt645Driver:
    """One line, one request at a time, several meters. See `agent.drivers.Driver`."""

    def __init__(self, bus: Bus, meters: Mapping[str, Target], now_ns: Callable[[], int]) -> None:
        self._bus = bus
        self._meters = meters
        self._now_ns = now_ns
        self._line: Line | None = None
        self._unsure = {meter.address for meter in meters.values()}  # an answer of theirs may be under way
        self._silences = 0

    async def read(self, meter: str) -> list[Scan]:
        """Read all measured items of a meter. The first silence ends the read: one dead meter costs one timeout."""
        return await self._read(meter, self._meters[meter].profile.measured, 0)

    async def identify(self, meter: str) -> list[Scan]:
        """Read the items that say which instrument this is; none if the profile has none."""
        profile = self._meters[meter].profile
        return await self._read(meter, profile.identifying, len(profile.measured))

    def silence_ns(self, _meter: str) -> int:
        """One timeout and the pause before it; as long again to connect where that is still to be done."""
        rounds = 2 if self._line is None and self._bus.kind == "tcp" else 1
        return (self._bus.timeout_ms * rounds + self._bus.pause_ms) * 1_000_000

    async def close(self) -> None:
        """Let go of the line."""
        if self._line is not None:
            self._line.close()
            self._line = None

    async def _read(self, meter: str, points: tuple[Point, ...], first: int) -> list[Scan]:
        address = self._meters[meter].address
        scans: list[Scan] = []
        status = GOOD  # once the meter is silent, the remaining items are not asked for
        for index, point in enumerate(points):
            requested_ns = self._now_ns()
            answered = Answer(b"", BAD_NOT_CONNECTED)
            if status == GOOD:
                try:
                    line = await self._ready(address)
                    requested_ns = self._now_ns()
                    answered = await self._ask(line, address, str(point.di))
                except _BrokenError:
                    answered = Answer(b"", BAD_DECODING_ERROR)
                except (_SilentError, LineGone) as error:
                    if isinstance(error, LineGone) or self._is_doubtful():
                        await self.close()
                    if index == 0:
                        raise Unreachable(f"{self._bus.name} meter {address}: {error}") from error
                    status = BAD_TIMEOUT if isinstance(error, _SilentError) else BAD_COMMUNICATION_ERROR
                    answered = Answer(b"", status)
            scans.append(Scan(first + index, requested_ns, self._now_ns(), (reading(point, answered),)))
        return scans

    async def _ready(self, address: str) -> Line:
        """Return an open line on which no answer of this meter is under way. Raises LineGone, _SilentError."""
        if self._line is None:
            self._line = await self._opened()
        line = self._line
        if address in self._unsure:
            try:
                fence = await self._ask(line, address, ADDRESS_ITEM)
            except _BrokenError:
                raise _SilentError("nothing but broken frames came: check baud and parity") from None
            if fence.status != GOOD:  # a refusal names no item: it may be the late answer itself
                await self._discard(line)
            self._unsure.discard(address)
        return line

    async def _opened(self) -> Line:
        self._silences = 0
        if self._bus.kind == "serial":
            port = Serial(self._bus.device, self._bus.baud, self._bus.parity, self._bus.stop_bits)
            return open_serial(port)
        return await open_tcp(self._bus.host, self._bus.port, self._bus.timeout_ms / 1000)

    async def _discard(self, line: Line) -> None:
        """Throw away what comes within one timeout."""
        end_s = self._end_s()
        while await line.hear(end_s):
            pass

    async def _ask(self, line: Line, address: str, di: str) -> Answer:
        """Send one request and listen for what answers it. Raises _SilentError, _BrokenError or LineGone."""
        settled = address not in self._unsure
        self._unsure.add(address)  # until its answer is here; also if this is interrupted
        answered = await self._exchanged(line, address, di)
        if settled:
            self._unsure.discard(address)
        return answered

    async def _exchanged(self, line: Line, address: str, di: str) -> Answer:
        await asyncio.sleep(self._bus.pause_ms / 1000)
        line.take()  # nobody asked for this
        line.write(request(address, di, self._bus.wake))
        end_s = self._end_s()
        kept = b""
        heard = whole = 0
        while came := await line.hear(end_s):
            self._silences = 0
            frames, kept = scan(kept + came)
            heard, whole = heard + len(came), whole + len(frames)
            for frame in frames:
                answered = answer(frame, address, di)
                if answered is not None:
                    return answered
        if heard and not whole:
            raise _BrokenError
        self._silences += 1
        raise _SilentError(f"no answer within {self._bus.timeout_ms} ms")

    def _is_doubtful(self) -> bool:
        """Whether a connection has been silent so often that it may be dead without anyone having said so."""
        return self._silences >= SILENCES_MAX and self._bus.kind == "tcp"

    def _end_s(self) -> float:
        """When a timeout that begins now is over, by the loop's clock."""
        return asyncio.get_running_loop().time() + self._bus.timeout_ms / 1000
