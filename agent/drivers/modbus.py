"""Modbus TCP, and RTU framing over TCP (serial device servers), by pymodbus.

In: a bus, and for each meter on it its unit and profile. Out: scans of raw register words. Never: a write function, a
retry of its own, or a word from an answer that does not fit its request.

pymodbus takes the next frame it hears for the answer. RTU frames carry no transaction id, so an answer that comes late
could pass for that of the next request. Therefore: after silence, a misfit or an interruption the connection is
dropped; a new RTU connection is listened to until it has been quiet for one timeout; bytes nobody asked for drop the
connection too. What is left is an answer later than both timeouts together.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pymodbus import FramerType, ModbusException
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.pdu import ModbusPDU

from agent.drivers import (
    BAD_COMMUNICATION_ERROR,
    BAD_DECODING_ERROR,
    BAD_DEVICE_FAILURE,
    BAD_NOT_CONNECTED,
    BAD_OUT_OF_RANGE,
    BAD_TIMEOUT,
    GOOD,
    Reading,
    Scan,
    Target,
    Tell,
    Unreachable,
)
from agent.drivers.blocks import Block, plan, readings

# Every fault comes back as a status or as Unreachable; pymodbus would log each one again, at every poll.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
# Exception codes (Modbus V1.1b3, 7): 1-3 the request does not suit this device, 10-11 a gateway cannot reach the unit.
REFUSED = {1: BAD_OUT_OF_RANGE, 2: BAD_OUT_OF_RANGE, 3: BAD_OUT_OF_RANGE}
GATEWAY_SILENT = {10, 11}
QUIET_ROUNDS_MAX = 10


class Bus(BaseModel):
    """Where a bus is reached. `rtu_over_tcp` is a serial device server that passes RTU frames through unchanged."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["tcp", "rtu_over_tcp"]
    host: str = Field(min_length=1)
    port: int = Field(default=502, ge=1, le=65535)
    timeout_ms: int = Field(default=1000, ge=10, le=60_000)
    pause_ms: int = Field(default=0, ge=0, le=10_000)  # before each request, for devices that need it

    def located(self, _folder: Path) -> Self:
        """The same: it names no files."""
        return self


class _SilentError(Exception):
    """No answer to a request."""


class _LineError(Exception):
    """No connection on which a request can be sent."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back: words, or the status all points of the block get instead."""

    words: Sequence[int]
    status: int = GOOD


def open_driver(bus: Bus, meters: Mapping[str, Target], now_ns: Callable[[], int], _tell: Tell) -> "ModbusDriver":
    """Plan the requests of each meter; connecting is left to the first read.

    Raises ValueError, one line for each meter that cannot be read over this bus.
    """
    units = range(1, 248) if bus.kind == "rtu_over_tcp" else range(256)
    problems, planned = [], {}
    for name, meter in meters.items():
        profile = meter.profile
        if any(point.table is None for point in profile.points):
            problems.append(
                f"{name}: profile {profile.make} {profile.model} is not for Modbus: choose one with registers"
            )
            continue
        if meter.unit not in units:
            problems.append(
                f"{name}: unit {meter.unit} does not exist on {bus.kind}: use {units.start}..{units.stop - 1}"
            )
        if meter.base < 0 or meter.base + max(point.end for point in profile.points) > 0x10000:
            problems.append(f"{name}: base {meter.base} moves registers outside 0..65535: check base")
        planned[name] = (meter, plan(profile.points, profile.registers_max, profile.hole_max))
    if problems:
        raise ValueError("\n".join(problems))
    return ModbusDriver(bus, planned, now_ns)


class ModbusDriver:
    """One connection, one request at a time, several units. See `agent.drivers.Driver`."""

    def __init__(
        self, bus: Bus, meters: Mapping[str, tuple[Target, tuple[Block, ...]]], now_ns: Callable[[], int]
    ) -> None:
        self._bus = bus
        self._meters = meters
        self._now_ns = now_ns
        self._client: AsyncModbusTcpClient | None = None
        self._asking = False
        self._heard = asyncio.Event()  # bytes came that nobody asked for

    async def read(self, meter: str) -> list[Scan]:
        """Read all blocks of a meter. The first silence ends the read: one dead unit costs one timeout."""
        planned, blocks = self._meters[meter]
        scans: list[Scan] = []
        status = GOOD  # once bad, the remaining blocks are not asked for
        for index, block in enumerate(blocks):
            requested_ns = self._now_ns()
            answer = _Answer((), BAD_NOT_CONNECTED)
            if status == GOOD:
                try:
                    client = await self._connected()
                    requested_ns = self._now_ns()
                    answer = await self._ask(client, planned.unit, planned.base, block)
                except (_SilentError, _LineError) as error:
                    if index == 0:
                        raise Unreachable(f"{self._bus.host}:{self._bus.port} unit {planned.unit}: {error}") from error
                    status = BAD_TIMEOUT if isinstance(error, _SilentError) else BAD_COMMUNICATION_ERROR
                    answer = _Answer((), status)
            scans.append(Scan(index, requested_ns, self._now_ns(), _readings(block, answer)))
        return scans

    def silence_ns(self, _meter: str) -> int:
        """One timeout, and as long again to listen where frames are RTU."""
        return self._bus.timeout_ms * 1_000_000 * (2 if self._bus.kind == "rtu_over_tcp" else 1)

    async def close(self) -> None:
        """Drop the connection."""
        self._drop()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _trace(self, sending: bool, data: bytes) -> bytes:
        """Withhold from pymodbus what comes when nothing was asked."""
        if sending or self._asking:
            return data
        self._heard.set()
        return b""

    async def _connected(self) -> AsyncModbusTcpClient:
        """Return a connection on which nothing is under way, a new one if need be. Raises _LineError."""
        if self._client is not None:
            await asyncio.sleep(self._bus.pause_ms / 1000)
            if self._client.connected and not self._heard.is_set():
                return self._client
        self._drop()
        rtu = self._bus.kind == "rtu_over_tcp"
        self._client = AsyncModbusTcpClient(
            self._bus.host,
            port=self._bus.port,
            framer=FramerType.RTU if rtu else FramerType.SOCKET,
            timeout=self._bus.timeout_ms / 1000,
            retries=0,
            reconnect_delay=0,
            trace_packet=self._trace,
        )
        try:
            await self._open(self._client, rtu)
        except BaseException:
            self._drop()
            raise
        return self._client

    async def _open(self, client: AsyncModbusTcpClient, rtu: bool) -> None:
        if not await client.connect():
            raise _LineError("no connection")
        self._heard.clear()
        for _ in range(QUIET_ROUNDS_MAX if rtu else 0):
            try:
                await asyncio.wait_for(self._heard.wait(), self._bus.timeout_ms / 1000)
            except TimeoutError:
                return
            self._heard.clear()
        if rtu:
            raise _LineError("the line is never quiet: is another master on it?")

    async def _ask(self, client: AsyncModbusTcpClient, unit: int, base: int, block: Block) -> _Answer:
        """Send one request. Raises _SilentError if no answer comes."""
        ask = {
            "coil": client.read_coils,
            "discrete": client.read_discrete_inputs,
            "holding": client.read_holding_registers,
            "input": client.read_input_registers,
        }[block.table]
        self._asking = True
        try:
            reply = await ask(base + block.address, count=block.count, device_id=unit)
        except ModbusException as error:
            self._drop()
            raise _SilentError(f"no answer within {self._bus.timeout_ms} ms") from error
        except BaseException:  # interrupted: the answer is still to come, and must find nobody listening
            self._drop()
            raise
        finally:
            self._asking = False
        answer = _checked(reply, unit, block)
        if answer.status == BAD_DECODING_ERROR:
            self._drop()
        return answer


def _checked(reply: ModbusPDU, unit: int, block: Block) -> _Answer:
    """Accept an answer only if unit, function and number of words are those asked for."""
    function = FUNCTIONS[block.table]
    if reply.dev_id != unit or reply.function_code & 0x7F != function:
        return _Answer((), BAD_DECODING_ERROR)
    if reply.isError():
        if reply.exception_code in GATEWAY_SILENT:
            raise _SilentError(f"the gateway gets no answer (exception {reply.exception_code})")
        return _Answer((), REFUSED.get(reply.exception_code, BAD_DEVICE_FAILURE))
    if function <= 2:  # bits come in whole bytes
        whole = len(reply.bits) == (block.count + 7) // 8 * 8
        words: list[int] = [int(bit) for bit in reply.bits[: block.count]]
    else:
        whole = len(reply.registers) == block.count
        words = list(reply.registers)
    return _Answer(words) if whole else _Answer((), BAD_DECODING_ERROR)


def _readings(block: Block, answer: _Answer) -> tuple[Reading, ...]:
    if answer.status != GOOD:
        return tuple(Reading(point.id, None, answer.status) for point in block.points)
    return readings(block, answer.words)
