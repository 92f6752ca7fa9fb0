"""A Modbus line: one connection, one request at a time, for all units on the bus.

In: read requests. Out: their answers as pymodbus decodes them, and nothing but their answers (see modbus_ear). Never: a
write function, or a retry.

A silent unit costs one learned timeout. The connection stays, for it may be the only one a gateway grants and its other
units are well: a transaction id, or else the ear, keeps late answers apart. It is given up when it broke, when its
frames are lost, when a device answers without our transaction id, and when the same unit is silent twice and nothing
at all was heard in between: then it may be a connection whose other end is gone.
"""

import asyncio
from collections.abc import Callable

from pymodbus import ModbusException
from pymodbus.pdu import ModbusPDU

from agent.drivers.modbus_bus import Bus
from agent.drivers.modbus_ear import Ear
from agent.drivers.modbus_frame import data_bytes
from agent.drivers.modbus_latency import Latency
from agent.drivers.modbus_open import Client, ConnectFailed, connect

FLOOR_S = 0.05  # the shortest timeout, without the frames' own time on a serial line
QUIET_S = 0.05  # without a byte, a network has delivered what was under way
QUIET_ROUNDS = 10
TICK_S = 0.001  # the event loop's timers know nothing shorter
SILENT_CHARACTERS = 3.5  # between two frames (Modbus over Serial Line V1.02, 2.5.1.1)
SILENT_FAST_S = 0.00175  # the same above 19200 baud
FAST_BAUD = 19200
REQUEST_CHARACTERS, ANSWER_CHARACTERS = 8, 5  # an answer's data come on top
ZEROS = 3  # so many answers with transaction id 0, and none with ours, show that a device knows no transactions


class SilentError(Exception):
    """No answer to a request."""


class MisfitError(Exception):
    """What came is damaged or does not fit the request."""


class LineError(Exception):
    """No connection on which a request can be sent."""


class Line:
    """Opened by the first request. Seconds are the event loop's."""

    def __init__(self, bus: Bus, on_zero: Callable[[int], None]) -> None:
        self._bus = bus
        self._on_zero = on_zero  # told once of a unit that knows no transactions
        self.ceiling_s = bus.timeout_ms / 1000
        self.ear = Ear(bus.is_rtu, self.ceiling_s)
        self.opened = 0  # how many connections there have been
        self._client: Client | None = None
        self._transactions = 0  # ids go on over connections: a gateway may hand a late answer to the new one
        self._latencies: dict[int, Latency] = {}
        self._zeros: dict[int, int] = {}  # answers with transaction id 0 by unit; -1 once it has answered with ours
        self._unheard: set[int] = set()  # units silent since anything was heard
        self._sound = asyncio.Event()
        self._sound_s = 0.0
        self._busy_until_s = 0.0  # a gateway may still be waiting for a unit that we gave up
        self._clock: Callable[[], float] = lambda: 0.0
        silent_s = SILENT_CHARACTERS * bus.character_s if bus.baud <= FAST_BAUD else SILENT_FAST_S
        self._gap_s = max(bus.pause_ms / 1000, silent_s if bus.kind == "rtu" else 0.0)

    async def ready(self) -> None:
        """See to a connection on which a request can leave now. Raises LineError."""
        if self._client is None or not self._client.connected or self.ear.broken:
            await self._open()
        elif self.ear.stray and self.ear.rtu:
            await self._fall_quiet(max(QUIET_S, self._gap_s))
        if self._gap_s:
            rest_s = self._sound_s + self._gap_s - self._clock()
            if rest_s > 0:
                await asyncio.sleep(rest_s)

    async def ask(self, unit: int, function: int, address: int, count: int) -> ModbusPDU:
        """Send one request; call `ready` before. Raises SilentError, MisfitError or LineError."""
        client = self._client
        if client is None or not client.connected:
            raise LineError("the connection was closed")
        call = (
            client.read_coils, client.read_discrete_inputs, client.read_holding_registers, client.read_input_registers,
        )[function - 1]  # fmt: skip
        asked_s = self._clock()
        waits_s, learns = self.timeout_s(unit, function, count), asked_s >= self._busy_until_s
        client.ctx.comm_params.timeout_connect = waits_s  # pymodbus has one timeout for connecting and answers
        try:
            reply: ModbusPDU = await call(address, count=count, device_id=unit)
        except ModbusException:
            held = self.ear.give_up(self._clock())
            if not held:
                self._refuse(client, unit, asked_s, waits_s)
            _, decoded = client.ctx.framer.handleFrame(held, unit, 0)
            if decoded is None:
                raise MisfitError("the answer does not fit the request") from None
            return decoded
        except BaseException:  # interrupted: the answer is still to come
            self.ear.give_up(self._clock())
            raise
        self._busy_until_s = 0.0
        self._zeros[unit] = -1
        if learns:
            self._latency(unit).answered(count, self._clock() - asked_s)
        return reply

    def timeout_s(self, unit: int, function: int, count: int) -> float:
        """How long the next request's answer will be waited for."""
        floor_s = FLOOR_S
        if self._bus.kind == "rtu":
            characters = REQUEST_CHARACTERS + ANSWER_CHARACTERS + data_bytes(function, count)
            floor_s += characters * self._bus.character_s
        latency = self._latency(unit)
        others = () if latency.learned_s is not None else self._latencies.values()
        known = [one.learned_s for one in others if one.learned_s is not None]
        busy_s = max(0.0, self._busy_until_s - self._clock())
        return min(latency.timeout_s(count, floor_s, known) + busy_s, self.ceiling_s)

    def opening_s(self) -> float:
        """How long `ready` may take."""
        listens_s = (QUIET_S if self.opened else self.ceiling_s) if self.ear.rtu else 0.0
        if self._client is not None and self._client.connected and not self.ear.broken:
            return self._gap_s + (QUIET_S if self.ear.stray and self.ear.rtu else 0.0)
        return self.ceiling_s + listens_s + self._gap_s

    def owed_s(self, unit: int, function: int, count: int) -> float:
        """How long an answer owed for another request may still come and pass for that of this one."""
        since_s = self.ear.owed_s(unit, function, data_bytes(function, count))
        return 0.0 if since_s is None else max(since_s + self.ceiling_s - self._clock(), 0.0)

    async def settle(self, unit: int, function: int, count: int) -> None:
        """Listen until an answer owed of this shape has come, or can be waited for no longer."""
        while (rest_s := self.owed_s(unit, function, count)) > 0:
            await self._listen(max(rest_s, TICK_S))
        self.ear.forgive(unit, function, data_bytes(function, count))

    def now_s(self) -> float:
        """The event loop's time; 0 before the first connection."""
        return self._clock()

    def close(self) -> None:
        """Drop the connection."""
        if self._client is not None:
            self._transactions = self._client.ctx.next_tid
            self._client.close()
            self._client = None

    def _latency(self, unit: int) -> Latency:
        found = self._latencies.get(unit)
        if found is None:
            found = self._latencies[unit] = Latency(self.ceiling_s)
        return found

    def _learn_late(self) -> None:
        for one, took_s in self.ear.late:
            self._latency(one.unit).answered(one.count, min(took_s, self.ceiling_s))
        self.ear.late.clear()

    def _refuse(self, client: Client, unit: int, asked_s: float, waits_s: float) -> None:
        """Raise what became of a request without an answer."""
        if not client.connected:
            self.close()
            raise LineError("the connection was closed before an answer came")
        if self.ear.is_zero:
            self.close()
            self._count_zero(unit)
            raise MisfitError("the answer has transaction id 0")
        if self.ear.damaged:
            raise MisfitError("the answer does not fit the request")
        self._latency(unit).silent(waits_s)
        if not self.ear.rtu:
            self._busy_until_s = max(self._busy_until_s, asked_s + self.ceiling_s)
        if unit in self._unheard:
            self.close()
            self._unheard.clear()
        self._unheard.add(unit)
        raise SilentError(f"no answer within {round(waits_s * 1000)} ms")

    def _count_zero(self, unit: int) -> None:
        before = self._zeros.get(unit, 0)
        if before < 0:
            return
        self._zeros[unit] = before + 1
        if before + 1 == ZEROS:
            self.ear.untagged.add(unit)
            self._on_zero(unit)

    async def _open(self) -> None:
        self.close()
        self._clock = asyncio.get_running_loop().time
        try:
            self._client = await connect(self._bus, self._trace, self._gone)
        except ConnectFailed as error:
            raise LineError(str(error)) from error
        self._client.ctx.next_tid = self._transactions
        self.ear.connected()
        self._unheard.clear()
        self._sound_s = self._clock()
        try:
            if self.ear.rtu:  # what an earlier process asked for may still come, and nobody knows what it was
                await self._fall_quiet(max(QUIET_S if self.opened else self.ceiling_s, self._gap_s))
        except BaseException:
            self.close()
            raise
        self.opened += 1

    async def _fall_quiet(self, quiet_s: float) -> None:
        for _ in range(QUIET_ROUNDS):
            if not await self._listen(quiet_s):
                self.ear.silenced()
                return
        raise LineError("the line is never quiet: is another master on it?")

    async def _listen(self, most_s: float) -> bool:
        """Wait for a sound; False if none came."""
        self._sound.clear()
        try:
            await asyncio.wait_for(self._sound.wait(), most_s)
        except TimeoutError:
            return False
        return True

    def _trace(self, sending: bool, data: bytes) -> bytes:
        """Between pymodbus and the line: pass on what was asked for, withhold all else."""
        now_s = self._clock()
        self._sound_s = now_s
        if sending:
            return self.ear.sent(data, now_s)
        if self._unheard:
            self._unheard.clear()
        asking = self.ear.asking is not None
        answer = self.ear.heard(data, now_s)
        if self.ear.late:
            self._learn_late()
        client = self._client
        if client is not None:
            client.ctx.recv_buffer = b""  # the ear keeps what is incomplete
            if asking and not answer and self.ear.damaged and not self.ear.rtu and not self.ear.untagged:
                self._end()
        self._sound.set()
        return answer

    def _gone(self) -> None:
        if self._client is not None and self.ear.asking is not None:
            self._end()

    def _end(self) -> None:
        """End the request under way: no answer to it can come any more."""
        waiting = None if self._client is None else self._client.ctx.response_future
        if waiting is not None and not waiting.done():
            waiting.set_exception(ModbusException("no answer can come any more"))
