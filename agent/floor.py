"""What the agent's tasks share: the buses, what they gathered, and the offsets of the batch sources' clocks.

In: drivers and a plan. Out: rounds of scans and events for the recorder, and once a second what pages show. The tasks
run in the event loop; recorder and journal only ever in their own worker thread.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import TypeVar, TypeVarTuple

from agent import live
from agent.batches import Source
from agent.check import Plan
from agent.clock import AgentClock
from agent.drivers import Driver, Scan, Unreachable
from agent.poll import Inbox, Polled
from agent.publish import Publisher
from agent.recorder import Recorder
from contract.records import EventPart, Offset

log = logging.getLogger("metertrail.agent")

NS_PER_S, NS_PER_MS = 1_000_000_000, 1_000_000
ROUND_S = 0.25  # how often readings go to disk
LIVE_S = 1.0
LIVE_SHARE = 20  # showing takes at most a twentieth of the recorder's time, however long a batch runs
OFFSET_EVERY_S = 10.0
RENEW_PAUSE_NS = 60 * NS_PER_S

Args = TypeVarTuple("Args")
Result = TypeVar("Result")


class Bus:
    """A driver that several tasks may ask, one at a time."""

    def __init__(self, driver: Driver) -> None:
        self._driver, self._turn = driver, asyncio.Lock()

    async def read(self, meter: str) -> list[Scan]:
        """As `Driver.read`."""
        async with self._turn:
            return await self._driver.read(meter)

    def silence_ns(self, meter: str) -> int:
        """As `Driver.silence_ns`."""
        return self._driver.silence_ns(meter)

    async def close(self) -> None:
        """As `Driver.close`."""
        await self._driver.close()

    async def offset(self) -> Offset | None:
        """The bus's own clock less ours, or None if it has none or does not tell it now."""
        measure = getattr(self._driver, "clock_offset_ns", None)
        if measure is None:
            return None
        try:
            async with self._turn:
                lower_ns, upper_ns = await measure()
        except Unreachable:
            return None  # an offset of before an outage would prove nothing after it
        return Offset(lower_ns=lower_ns, upper_ns=upper_ns)


class Floor:
    """One per agent. `inbox` is what the bus tasks fill; set `stopping` to let `record` end after a last round."""

    def __init__(self, plan: Plan, buses: Mapping[str, Bus], clock: AgentClock, worker: Executor, inbox: Inbox) -> None:
        self._plan, self._buses, self._clock, self._worker = plan, buses, clock, worker
        self.inbox = inbox
        self.stopping = False
        self._last: dict[str, dict[int, Scan]] = {}
        self._offsets: dict[str, Offset | None] = {}
        self._bus_of = {m.meter.name: m.meter.bus for m in plan.meters}
        self._renewed_ns = 0

    def on_bus(self, bus: str) -> list[Polled]:
        """The meters a bus's task reads."""
        return [Polled(m.meter.name, m.meter.every_ms * NS_PER_MS) for m in self._plan.meters if m.meter.bus == bus]

    def sources(self) -> dict[str, Source]:
        """Per line, how its batch source tells time right now."""
        return {
            line.name: Source(
                line.lag_ms * NS_PER_MS,
                self._offsets.get(self._bus_of[line.source]) if line.edge_time == "source" else None,
            )
            for line in self._plan.config.line
        }

    async def watch_offsets(self) -> None:
        """Measure the clocks of the buses whose own time is used for batch edges."""
        used = {self._bus_of[line.source] for line in self._plan.config.line if line.edge_time == "source"}
        while True:
            for bus in sorted(used):
                self._offsets[bus] = await self._buses[bus].offset()
            await asyncio.sleep(OFFSET_EVERY_S)

    async def record(self, recorder: Recorder, publisher: Publisher) -> None:
        """Hand what was read to the recorder, a few times a second, and once more when stopping."""
        last = False
        while not last:
            last = self.stopping
            scans, events = self.inbox.take()
            for meter, scan in scans:
                self._last.setdefault(meter, {})[scan.block] = scan
            events += [*publisher.take_events(), *self._clock_events()]
            recorder.checkpoint = publisher.checkpoint
            await self._in_worker(recorder.take, scans, events, self.sources(), self._clock.now_ns())
            await self._leave_stuck_epoch(recorder, publisher)
            if not last:
                await asyncio.sleep(ROUND_S)
        await self._in_worker(recorder.seal, self._clock.now_ns())

    async def show(self, recorder: Recorder, publisher: Publisher) -> None:
        """Tell the pages what is going on, each second."""
        while True:
            asked_ns = self._clock.now_ns()
            last = {meter: list(scans.values()) for meter, scans in self._last.items()}
            told: dict[str, object] = {
                "at_ns": asked_ns,
                "meters": await asyncio.to_thread(live.meters, self._plan.meters, last),
                "running": await self._in_worker(_running, recorder),
            }
            publisher.live(told)
            took_s = (self._clock.now_ns() - asked_ns) / NS_PER_S
            await asyncio.sleep(max(LIVE_S, LIVE_SHARE * took_s))

    def _clock_events(self) -> list[EventPart]:
        step_ns = self._clock.step_ns()
        if not step_ns:
            return []
        log.warning("clock stepped by_ms=%d", step_ns // NS_PER_MS)
        at_ns = self._clock.now_ns()
        return [EventPart(event="clock_step", about="clock", at_ns=at_ns, detail={"step_ns": step_ns})]

    async def _leave_stuck_epoch(self, recorder: Recorder, publisher: Publisher) -> None:
        """Begin a new epoch where no more of this one can be delivered; not at once again, should that not help."""
        now_ns = self._clock.now_ns()
        if publisher.is_stuck(recorder.epoch) and now_ns - self._renewed_ns >= RENEW_PAUSE_NS:
            self._renewed_ns = now_ns
            log.error("epoch=%s cannot be delivered any further: a new one begins", recorder.epoch.hex())
            await self._in_worker(recorder.renew, "the epoch before cannot be delivered any further", now_ns)

    async def _in_worker(self, call: Callable[[*Args], Result], *args: *Args) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._worker, call, *args)


def _running(recorder: Recorder) -> list[dict[str, object]]:
    return live.running(*recorder.snapshot())
