"""OPC UA by asyncua: the tags of a meter or a line, all in one Read request, and what changed between two of them.

In: a server, and for each meter on it a profile whose points are nodes. Out: block 0 is one scan a read of all tags,
with the server's status code and source timestamp for every value; block 1 + i are samples of tag i alone, reported by
a subscription or remembered by the server over an outage. Never: a write, a value with a bad status, one of another
type or unit than the profile says, or one that is older than what was given before it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime

from asyncua import ua

from agent.drivers import Scan, Target, Tell, Unreachable
from agent.drivers.opcua_backfill import Memory, backfill
from agent.drivers.opcua_config import Bus, Security
from agent.drivers.opcua_feed import Sample
from agent.drivers.opcua_link import Answer, Known, Link, Plan
from agent.drivers.opcua_nodes import Tag, tag_of
from agent.drivers.opcua_order import measured
from agent.drivers.opcua_session import FAULTS, MALFORMED, Door, ask
from agent.drivers.opcua_values import ns_of, overflowed
from agent.drivers.profile import Point
from contract.records import EventPart

__all__ = ["Bus", "OpcUaDriver", "Security", "open_driver"]

SETUP_TIMEOUTS = 3  # a connect with all its look-ups may take so many timeouts, each request of it one
RENEW_PAUSE_NS = 60_000_000_000  # a server that cannot report gets no flood of subscriptions; reads go on all the while
SHARED_NS = 2_000_000_000  # meters of one server share the fate of a connect that failed this recently
NODE = "write node = 'nsu=URI;s=...' or a path '/{URI}Name/Name' in its profile"


def open_driver(bus: Bus, meters: Mapping[str, Target], now_ns: Callable[[], int], tell: Tell) -> "OpcUaDriver":
    """Prepare the tags of each meter; connecting is left to the first read. Raises ValueError, one line a fault."""
    problems: list[str] = []
    plans: dict[str, Plan] = {}
    for name, meter in meters.items():
        if all(point.table is not None or point.di is not None for point in meter.profile.points):
            made = f"{meter.profile.make} {meter.profile.model}"
            problems.append(f"{name}: profile {made} is not for OPC UA: choose one with nodes")
            continue
        if meter.base != 0:
            problems.append(f"{name}: base {meter.base} means nothing to OPC UA: remove it")
        plans[name] = Plan(
            _tags(name, meter.profile.measured, problems), _tags(name, meter.profile.identifying, problems)
        )
    if problems:
        raise ValueError("\n".join(problems))
    return OpcUaDriver(bus, plans, now_ns, tell)


def _tags(meter: str, points: tuple[Point, ...], problems: list[str]) -> tuple[Tag, ...]:
    tags = [(point, tag_of(point)) for point in points]
    problems += [f"{meter}: {point.id}: not a node: {NODE}" for point, tag in tags if tag is None]
    return tuple(tag for _, tag in tags if tag is not None)


class OpcUaDriver:
    """One session; a new client for every connect. See `agent.drivers.Driver`."""

    def __init__(self, bus: Bus, plans: Mapping[str, Plan], now_ns: Callable[[], int], tell: Tell) -> None:
        self._bus, self._plans, self._now_ns, self._tell = bus, plans, now_ns, tell
        self._door = Door(bus, now_ns, tell)
        self._known = Known()
        self._memories = {meter: Memory() for meter in plans}
        self._waiting: dict[str, list[Sample]] = {meter: [] for meter in plans}
        self._ready: dict[str, list[Scan]] = {meter: [] for meter in plans}
        self._link: Link | None = None
        self._renewed_ns = -RENEW_PAUSE_NS
        self._failed: tuple[int, str, set[str]] | None = None  # when, why, and who has been told

    async def read(self, meter: str) -> list[Scan]:
        """Read all tags of a meter in one request. Raises Unreachable without a session or an answer."""
        plan, memory = self._plans[meter], self._memories[meter]
        async with self._session(meter) as link:
            await link.look_again(self._known)
            self._gather(link, meter)
            answer = await link.ask(plan.measured)
            offset = measured(answer.server_ns, answer.requested_ns, answer.answered_ns)
            if answer.requested_ns < memory.order.requested_ns:  # our clock was set back: a new order begins
                memory.order = type(memory.order)()
            scans = self._ready[meter]  # until they are given
            scans += self._placed(meter)
            if meter not in link.meters:
                if memory.last:
                    scans += await self._backfilled(link, meter, answer)
                link.meters.add(meter)
            scans.append(self._live(memory, answer))
            if link.feed is not None:
                if offset is not None:
                    link.feed.offset = offset
                link.feed.compare(meter, answer.readings)
                await self._keep_alive(link, meter)
        self._ready[meter] = []
        return scans

    async def identify(self, meter: str) -> list[Scan]:
        """Read the tags that tell which instrument it is, in one request. Raises Unreachable."""
        plan = self._plans[meter]
        if not plan.identifying:
            return []
        async with self._session(meter) as link:
            answer = await link.ask(plan.identifying)
            self._gather(link, meter)  # a meter that never says who it is is never read
        return [Scan(1 + len(plan.measured), answer.requested_ns, answer.answered_ns, answer.readings)]

    async def clock_offset_ns(self) -> tuple[int, int]:
        """Bounds (earliest, latest) of the server's clock minus ours, from one read of its current time.

        A server that refreshes its current time now and then is behind by up to that interval; the bounds do not know.
        Raises Unreachable.
        """
        node = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)
        asked = ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value)
        async with self._session(None) as link:
            requested_ns = self._now_ns()
            (answer,), _ = await ask(link.client, [asked])
            answered_ns = self._now_ns()
        told = None if answer.Value is None else answer.Value.Value
        server_ns = ns_of(told) if isinstance(told, datetime) else None
        if server_ns is None:
            raise Unreachable(f"{self._bus.url}: the server does not tell its time")
        return server_ns - answered_ns, server_ns - requested_ns

    def silence_ns(self, _meter: str) -> int:
        """One timeout; while there is no session, as long as making one may take."""
        timeouts = SETUP_TIMEOUTS if self._link is None else 1
        return timeouts * self._bus.timeout_ms * 1_000_000

    async def close(self) -> None:
        """End the session."""
        await self._drop(farewell=True)

    def _live(self, memory: Memory, answer: Answer) -> Scan:
        scan = Scan(0, answer.requested_ns, answer.answered_ns, answer.readings)
        if scan.answered_ns > memory.order.answered_ns:
            memory.order.note(scan)
        else:
            scan = memory.order.place(0, scan.requested_ns, scan.answered_ns, scan.readings)
        memory.read_ns = answer.requested_ns
        for reading in answer.readings:
            memory.keep(reading)
        return scan

    def _gather(self, link: Link, meter: str) -> None:
        """Keep what was reported until it can be given, even if the session does not live so long.

        What stood in the nodes when it began is what the first read shows.
        """
        samples = [] if link.feed is None else link.feed.take(meter)
        if meter in link.meters:
            self._waiting[meter] += samples

    def _placed(self, meter: str) -> list[Scan]:
        """Samples that are newer than what was given before them; what a read has overtaken is left out.

        A value newer than one that a read showed was taken after that read was asked for.
        """
        memory, scans, lost = self._memories[meter], list[Scan](), dict[str, int]()
        samples, self._waiting[meter] = self._waiting[meter], []
        for sample in samples:
            if overflowed(sample.reading.status):
                lost[sample.reading.point] = lost.get(sample.reading.point, 0) + 1
            if not memory.is_news(sample.reading, sample.requested_ns):
                continue
            requested_ns = max(sample.requested_ns, memory.read_ns, memory.order.requested_ns)
            scans.append(memory.order.place(sample.item.block, requested_ns, sample.answered_ns, [sample.reading]))
            memory.keep(sample.reading)
        for point, times in lost.items():
            self._event("queue_overflow", meter, {"point": point, "times": times})
        return scans

    async def _backfilled(self, link: Link, meter: str, answer: Answer) -> list[Scan]:
        scans, told = await backfill(link, self._plans[meter].measured, self._memories[meter], answer)
        if told is not None:
            event, detail = told
            self._event(event, meter, detail)
        return scans

    async def _keep_alive(self, link: Link, meter: str) -> None:
        """Make a subscription anew that is no longer to be believed."""
        reason = link.feed.stale() if link.feed is not None else None
        if reason is not None and self._now_ns() - self._renewed_ns >= RENEW_PAUSE_NS:
            self._renewed_ns = self._now_ns()
            self._event("subscription_stale", meter, {"server": self._bus.url, "reason": reason})
            try:
                await link.subscribe()
            except FAULTS:  # what was just read is good all the same
                await self._drop(farewell=False)

    @contextlib.asynccontextmanager
    async def _session(self, meter: str | None) -> AsyncIterator[Link]:
        """Lend a live session; whatever fails ends it and is Unreachable."""
        try:
            if self._link is None:
                self._share_fate(meter)
                await self._connect(meter)
            assert self._link is not None  # noqa: S101 - for the type checker: _connect sets it or raises
            yield self._link
        except FAULTS as error:
            await self._drop(farewell=False)
            raise Unreachable(f"{self._bus.url}: {self._reason(error)}") from error
        except BaseException:
            await self._drop(farewell=True)
            raise

    def _share_fate(self, meter: str | None) -> None:
        """Raise Unreachable for another meter of a server that did not let us in a moment ago."""
        if self._failed is None or meter is None:
            return
        at_ns, reason, told = self._failed
        if meter not in told and 0 <= self._now_ns() - at_ns < SHARED_NS:
            told.add(meter)
            raise Unreachable(f"{self._bus.url}: {reason}")

    async def _connect(self, meter: str | None) -> None:
        try:
            async with asyncio.timeout(SETUP_TIMEOUTS * self._bus.timeout_ms / 1000):
                link = Link(await self._door.open(), self._bus, self._plans, self._now_ns, self._tell)
                self._link = link
                await link.look_up(self._known)
        except FAULTS as error:
            self._failed = self._now_ns(), self._reason(error), {meter or ""}
            raise
        self._failed = None

    async def _drop(self, *, farewell: bool) -> None:
        link, self._link = self._link, None
        if link is not None:
            for meter in self._plans:
                self._gather(link, meter)
            await self._door.shut(link.client, farewell=farewell)

    def _reason(self, error: BaseException) -> str:
        if isinstance(error, TimeoutError) and not str(error):
            return f"no answer within {self._bus.timeout_ms} ms"
        words = " ".join(str(error).split()) or type(error).__name__
        return f"an answer or a file cannot be read: {words}" if isinstance(error, MALFORMED) else words

    def _event(self, event: str, meter: str, detail: dict[str, object]) -> None:
        self._tell(EventPart(event=event, about=meter, at_ns=self._now_ns(), detail=detail))
