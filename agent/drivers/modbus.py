"""Modbus over TCP, TLS, serial ports and serial device servers, by pymodbus.

In: a bus, and for each meter on it its unit and profile. Out: scans of raw register words. Never: a write function, a
retry of its own, or a word from an answer that does not fit its request.

Which answers are believed is modbus_ear's to say, and what cannot be told apart stands there; here is what follows for
a meter. It is asked first for what no answer still owed could be mistaken for: another of its blocks, or half of one,
whose words are not used; if there is none, the line is listened to until the owed answer came or `timeout_ms` is over.
A block that the meter refuses is cut until what it refuses is known (`registers_refused` tells).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

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
from agent.drivers.blocks import Block, plan, readings, split
from agent.drivers.modbus_bus import Bus
from agent.drivers.modbus_frame import data_bytes
from agent.drivers.modbus_line import Line, LineError, MisfitError, SilentError
from agent.drivers.modbus_pieces import Piece, Pieces
from contract.records import EventPart

__all__ = ["Bus", "ModbusDriver", "open_driver"]

FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
# Exception codes (Modbus V1.1b3, 7): 1 no such function, 2 and 3 not these registers, 10 and 11 a gateway cannot reach
# the unit; the others say that the device is busy or broken.
NO_FUNCTION, CUTTABLE, GATEWAY_SILENT = 1, {2, 3}, {10, 11}
NS = 1_000_000_000

Request = tuple[int, int, int]  # function, address without base, count


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came for a block: words, or the status all its points get instead. `exception` is the code, 0 for none."""

    block: Block
    requested_ns: int
    answered_ns: int
    words: Sequence[int] = ()
    status: int = GOOD
    exception: int = 0

    @property
    def is_refused(self) -> bool:
        return self.exception == NO_FUNCTION or self.exception in CUTTABLE

    def scan(self, index: int) -> Scan:
        if self.status == GOOD:
            return Scan(index, self.requested_ns, self.answered_ns, readings(self.block, self.words))
        made = tuple(Reading(point.id, None, self.status) for point in self.block.points)
        return Scan(index, self.requested_ns, self.answered_ns, made)


def open_driver(bus: Bus, meters: Mapping[str, Target], now_ns: Callable[[], int], tell: Tell) -> "ModbusDriver":
    """Plan the requests of each meter; connecting is left to the first read.

    Raises ValueError, one line for each meter that cannot be read over this bus.
    """
    units = range(1, 248) if bus.is_rtu else range(256)
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
        read, identify = (
            plan(points, profile.registers_max, profile.hole_max) for points in (profile.measured, profile.identifying)
        )
        planned[name] = (meter, Pieces(read, identify))
    if problems:
        raise ValueError("\n".join(problems))
    return ModbusDriver(bus, planned, now_ns, tell)


class ModbusDriver:
    """One connection, one request at a time, several units. See `agent.drivers.Driver`."""

    def __init__(
        self, bus: Bus, meters: Mapping[str, tuple[Target, Pieces]], now_ns: Callable[[], int], tell: Tell
    ) -> None:
        self._bus = bus
        self._meters = meters
        self._now_ns = now_ns
        self._tell = tell
        self._line = Line(bus, self._knows_no_transactions)
        self._told: set[tuple[str, str, int, int]] = set()

    async def read(self, meter: str) -> list[Scan]:
        """Read all blocks of a meter. The first silence ends the read: one dead unit costs one timeout."""
        return await self._scan(meter, self._meters[meter][1].read)

    async def identify(self, meter: str) -> list[Scan]:
        """Read what tells one meter from another; [] if its profile has nothing of the kind."""
        return await self._scan(meter, self._meters[meter][1].identify)

    def silence_ns(self, meter: str) -> int:
        """A connection where there is none, a wait for an answer still owed, and one timeout."""
        target, pieces = self._meters[meter]
        if not pieces.read:
            return 0
        function, _, count = self._first(target, pieces.read)
        wait_s = self._line.owed_s(target.unit, function, count) + self._line.timeout_s(target.unit, function, count)
        return round((self._line.opening_s() + wait_s) * NS)

    async def close(self) -> None:
        """Drop the connection."""
        self._line.close()

    async def _scan(self, meter: str, row: list[Piece]) -> list[Scan]:
        target, _ = self._meters[meter]
        scans: list[Scan] = []
        status = GOOD  # once bad, what remains is not asked for
        answered = False
        for piece in self._ordered(target, row):
            asked_ns = self._now_ns()
            told = BAD_OUT_OF_RANGE if piece.refused else BAD_NOT_CONNECTED
            if status == GOOD and piece.is_due(self._line.now_s(), self._line.opened):
                try:
                    if not answered:
                        due = [one for one in row if one.is_due(self._line.now_s(), self._line.opened)]
                        await self._part_from_late(target, due)
                    if not answered or not self._is_owed(target, piece.block):
                        scans += await self._take(meter, piece)
                        answered = True
                        continue
                except (SilentError, LineError) as error:
                    if not answered:
                        raise Unreachable(f"{self._bus.place} unit {target.unit}: {error}") from error
                    told = status = BAD_TIMEOUT if isinstance(error, SilentError) else BAD_COMMUNICATION_ERROR
            scans.append(_Answer(piece.block, asked_ns, self._now_ns(), status=told).scan(piece.index))
        return scans

    async def _take(self, meter: str, piece: Piece) -> list[Scan]:
        """Ask for a piece; where it is refused, find out which of its registers are, and remember."""
        target, pieces = self._meters[meter]
        answers = await self._explore(target, piece.block)
        if all(answer.is_refused for answer in answers):
            whole = answers[0]  # not a hole in it but all of it: as it was
            self._refuse(meter, piece, whole.exception)
            status = BAD_OUT_OF_RANGE
            return [_Answer(piece.block, whole.requested_ns, answers[-1].answered_ns, (), status).scan(piece.index)]
        piece.refused = 0
        if len(answers) == 1:
            return [answers[0].scan(piece.index)]
        cut = pieces.cut(piece, [answer.block for answer in answers])
        for one, answer in zip(cut, answers, strict=True):
            if answer.is_refused:
                self._refuse(meter, one, answer.exception)
        return [answer.scan(one.index) for one, answer in zip(cut, answers, strict=True)]

    async def _explore(self, target: Target, block: Block) -> list[_Answer]:
        """Answers that cover a block: its own, or those of what it has to be cut into."""
        answer = await self._ask(target, block)
        halves = split(block) if answer.exception in CUTTABLE else None
        if halves is None:
            return [answer]
        return [leaf for half in halves for leaf in await self._explore(target, half)]

    async def _ask(self, target: Target, block: Block) -> _Answer:
        """Send a block's requests. Raises SilentError or LineError."""
        words: list[int] = []
        requested_ns = 0
        for address, count in block.requests:
            await self._line.ready()
            requested_ns = requested_ns or self._now_ns()
            try:
                reply = await self._line.ask(target.unit, FUNCTIONS[block.table], target.base + address, count)
            except MisfitError:
                return _Answer(block, requested_ns, self._now_ns(), status=BAD_DECODING_ERROR)
            if reply.isError():
                code: int = reply.exception_code
                if code in GATEWAY_SILENT:
                    raise SilentError(f"the gateway gets no answer (exception {code})")
                refused = code == NO_FUNCTION or code in CUTTABLE
                status = BAD_OUT_OF_RANGE if refused else BAD_DEVICE_FAILURE
                return _Answer(block, requested_ns, self._now_ns(), (), status, code)
            words += [int(bit) for bit in reply.bits[:count]] if FUNCTIONS[block.table] <= 2 else reply.registers
        return _Answer(block, requested_ns, self._now_ns(), words)

    def _refuse(self, meter: str, piece: Piece, exception: int) -> None:
        piece.refuse(exception, self._line.now_s(), self._line.opened)
        target, _ = self._meters[meter]
        for address, count in piece.block.requests[:2]:  # the third of a torn block is its first again
            place = (meter, piece.block.table, target.base + address, count)
            if place not in self._told:
                self._told.add(place)
                _, table, start, _ = place
                detail: dict[str, object] = {"table": table, "address": start, "count": count, "exception": exception}
                self._tell(EventPart(event="registers_refused", about=meter, at_ns=self._now_ns(), detail=detail))

    def _knows_no_transactions(self, unit: int) -> None:
        for meter, (target, _) in self._meters.items():
            if target.unit == unit:
                self._tell(EventPart(event="transaction_id_ignored", about=meter, at_ns=self._now_ns(), detail={}))

    def _owed(self, target: Target, request: Request) -> float | None:
        function, _, count = request
        return self._line.ear.owed_s(target.unit, function, data_bytes(function, count))

    def _is_owed(self, target: Target, block: Block) -> bool:
        return any(self._owed(target, request) is not None for request in _requests(block))

    def _ordered(self, target: Target, row: list[Piece]) -> list[Piece]:
        """First what no answer still owed could be mistaken for."""
        if not self._line.ear.owes(target.unit):
            return list(row)
        return sorted(row, key=lambda piece: self._is_owed(target, piece.block))

    def _first(self, target: Target, row: list[Piece]) -> Request:
        """The request to begin with: of those that no owed answer fits, the first; else that with the oldest debt."""
        ordered = self._ordered(target, row)
        asked = [request for piece in ordered for request in _requests(piece.block)]
        if self._owed(target, asked[0]) is None:
            return asked[0]
        halves = [half for piece in ordered for half in split(piece.block) or ()]
        others = [request for half in halves for request in _requests(half)]
        return min([*asked, *others], key=lambda request: self._owed(target, request) or float("-inf"))

    async def _part_from_late(self, target: Target, row: list[Piece]) -> None:
        """See to it that no answer still owed can be taken for that of the next request."""
        if not self._line.ear.owes(target.unit):
            return
        function, address, count = self._first(target, row)
        await self._line.ready()
        await self._line.settle(target.unit, function, count)
        begins = _requests(self._ordered(target, row)[0].block)
        if (function, address, count) != next(begins):
            try:
                await self._line.ready()
                await self._line.ask(target.unit, function, target.base + address, count)
            except MisfitError as error:
                raise SilentError(str(error)) from error


def _requests(block: Block) -> Iterator[Request]:
    return ((FUNCTIONS[block.table], address, count) for address, count in block.requests)
