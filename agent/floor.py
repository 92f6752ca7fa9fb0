"""What the agent's tasks share: what was gathered on the buses, and the offsets of the batch sources' clocks.

In: a plan, and a crew that polls. Out: rounds of scans and events for the recorder, and once a second what pages show.
The tasks run in the event loop; recorder and journal only ever in their own worker thread.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar, TypeVarTuple

from agent import live
from agent.batches import Source
from agent.check import Plan
from agent.clock import AgentClock, Step
from agent.crew import Crew
from agent.drivers import Driver, Scan
from agent.identity import Met
from agent.keeper import Keeper
from agent.poll import Inbox
from agent.prompt import Prompt
from agent.publish import Publisher
from agent.recorder import Settings
from agent.reload import Change
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


class Floor:
    """One per agent. `inbox` is what the bus tasks fill; set `stopping` to let `record` end after a last round."""

    def __init__(self, plan: Plan, crew: Crew, clock: AgentClock, worker: Executor, inbox: Inbox) -> None:
        self._crew, self._clock, self._worker = crew, clock, worker
        self.inbox = inbox
        self.stopping = False
        self._last: dict[str, dict[int, Scan]] = {}
        self._offsets: dict[str, Offset | None] = {}
        self._renewed_ns = 0
        self._followed: bool | None = True  # whether the clock follows another, as last logged
        self._round = asyncio.Lock()  # the recorder's: no plan changes in the middle of a round
        self._spent = False  # a recorder that failed once must not be used again
        self._follow(plan)
        inbox.on_scans = self._hear

    async def switch(
        self, plan: Plan, change: Change, settings: Settings, drivers: Mapping[str, Driver], recorder: Keeper
    ) -> None:
        """Go on under another plan: what was read under the old one is recorded under it; kept buses never pause."""
        await self._crew.stop(self._plan, change.closed)
        async with self._round:
            if self._spent:
                return
            self._spent = True
            scans, events, met = self.inbox.take()
            now_ns = self._clock.now_ns()
            await self._in_worker(_hand_over, recorder, scans, events, met, self.sources(), now_ns)
            await self._in_worker(recorder.reconfigure, settings, self._clock.now_ns())
            self._spent = False
            for name, bus in self._bus_of.items():
                if bus in change.closed:
                    self._last.pop(name, None)
                    self._offsets.pop(bus, None)
            self._follow(plan)
            self._crew.tune(plan)
            self._crew.start(plan, drivers)

    def sources(self) -> dict[str, Source]:
        """Per line, how its batch source tells time right now."""
        return {
            line.name: Source(
                line.lag_ms * NS_PER_MS,
                self._offsets.get(self._bus_of[line.source]) if line.edge_time == "source" else None,
                self._points[line.source],
                self._clock.ahead_ns,
            )
            for line in self._plan.config.line
            if line.source is not None
        }

    async def watch_offsets(self) -> None:
        """Measure the clocks of the buses whose own time is used for batch edges."""
        while True:
            for name in sorted(self._clocks):
                bus = self._crew.buses.get(name)
                if bus is not None:
                    self._offsets[name] = await bus.offset()
            await asyncio.sleep(OFFSET_EVERY_S)

    async def record(self, recorder: Keeper, publisher: Publisher) -> None:
        """Hand what was read to the recorder, a few times a second, and once more when stopping."""
        last = False
        while not last:
            last = self.stopping
            async with self._round:
                if self._spent:
                    return
                self._spent = True
                scans, events, met = self.inbox.take()
                for meter, scan in scans:
                    self._last.setdefault(meter, {})[scan.block] = scan
                events += [*publisher.take_events(), *await self._clock_events(recorder)]
                recorder.checkpoint = publisher.checkpoint
                now_ns = self._clock.now_ns()
                await self._in_worker(_hand_over, recorder, scans, events, met, self.sources(), now_ns)
                await self._leave_stuck_epoch(recorder, publisher)
                self._spent = False
            if not last:
                await asyncio.sleep(ROUND_S)
        await self._in_worker(recorder.seal, self._clock.now_ns())

    async def show(self, recorder: Keeper, publisher: Publisher) -> None:
        """Tell the pages what is going on, each second."""
        loop = asyncio.get_running_loop()
        while True:
            asked_ns, asked_s = self._clock.now_ns(), loop.time()
            last = {meter: list(scans.values()) for meter, scans in self._last.items()}
            told: dict[str, object] = {
                "at_ns": asked_ns,
                "clock": self._clock_now(),
                "meters": await asyncio.to_thread(live.meters, self._plan.meters, last, self._crew.polled()),
                "running": await self._in_worker(_running, recorder),
                "buses": self._crew.told(),
            }
            publisher.live(told)
            took_s = loop.time() - asked_s  # our own time may have jumped
            await asyncio.sleep(max(LIVE_S, LIVE_SHARE * took_s))

    def _follow(self, plan: Plan) -> None:
        """Let a plan be in force."""
        self._points = {m.meter.name: {point.id: point for point in m.profile.points} for m in plan.meters}
        self._plan, self._prompt = plan, Prompt(plan.config.line, self._points)
        self._bus_of = {m.meter.name: m.meter.bus for m in plan.meters}
        timed = {line.source for line in plan.config.line if line.edge_time == "source"}
        self._clocks = {bus for meter, bus in self._bus_of.items() if meter in timed}

    def _hear(self, meter: str, scans: Sequence[Scan]) -> None:
        """As scans arrive: at an edge the line's counters are read at once."""
        self._crew.want(self._prompt.hear(meter, scans))

    async def _clock_events(self, recorder: Keeper) -> list[EventPart]:
        """What the clock did since the last round; where ours jumped, whatever waits by it is set right."""
        step = self._clock.step()
        if step is None:
            return []
        log.warning("%s", _in_words(step))
        if step.jump_ns:
            self._offsets = {}  # measured against the clock as it was
            self._crew.reanchored(step.jump_ns)
            await self._in_worker(recorder.reanchored, step.from_ns, step.to_ns)
        boot = None if step.boot is None else step.boot.hex()
        detail: dict[str, object] = {
            "step_ns": step.step_ns,
            "from_ns": step.from_ns,
            "to_ns": step.to_ns,
            "boot": boot,
            "monotonic_ns": step.monotonic_ns,
        }
        return [EventPart(event=step.event, about="clock", at_ns=step.to_ns, detail=detail)]

    def _clock_now(self) -> dict[str, object]:
        """The clock for pages; the log has a line each time it begins or ceases to follow another."""
        now = self._clock.state()
        if now.synchronised != self._followed:
            self._followed = now.synchronised
            if now.synchronised:
                log.info("clock synchronised")
            else:
                log.warning("clock not synchronised: readings go on and say so: set up NTP (`timedatectl`, chrony)")
        ahead_ns = self._clock.ahead_ns
        return {"synchronised": now.synchronised, "error_ns": now.error_ns, "ahead_ns": ahead_ns}

    async def _leave_stuck_epoch(self, recorder: Keeper, publisher: Publisher) -> None:
        """Begin a new epoch where no more of this one can be delivered; not at once again, should that not help."""
        now_ns = self._clock.now_ns()
        if publisher.is_stuck(recorder.epoch) and now_ns - self._renewed_ns >= RENEW_PAUSE_NS:
            self._renewed_ns = now_ns
            log.error("epoch=%s cannot be delivered any further: a new one begins", recorder.epoch.hex())
            await self._in_worker(recorder.renew, "the epoch before cannot be delivered any further", now_ns)

    async def _in_worker(self, call: Callable[[*Args], Result], *args: *Args) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._worker, call, *args)


def _in_words(step: Step) -> str:
    """For the log."""
    off = timedelta(seconds=abs(step.step_ns if step.event == "clock_behind" else step.jump_ns) // NS_PER_S)
    match step.event:
        case "clock_reanchored":
            early = f"what was stated unsynchronised before is {off} (h:mm:ss) early"
            return f"clock_reanchored by_ms={step.jump_ns // NS_PER_MS}: {early}"
        case "clock_behind":
            hint = "readings go on from there: set the clock; see 'Clock' in the manual if the journal is at fault"
            return f"clock_behind: the system's clock is {off} (h:mm:ss) behind the journal's end: {hint}"
        case _:
            return f"clock_step by_ms={step.step_ns // NS_PER_MS}: readings go on by the time as it was"


def _running(recorder: Keeper) -> list[dict[str, object]]:
    return live.running(*recorder.so_far())


def _hand_over(
    recorder: Keeper,
    scans: Sequence[tuple[str, Scan]],
    events: Sequence[EventPart],
    met: Sequence[Met],
    sources: Mapping[str, Source],
    now_ns: int,
) -> None:
    """Let the recorder take a round; what a meter answered after it said who it is comes after that is on record."""
    again = next((at for at, news in enumerate(met) if news.meter in {one.meter for one in met[:at]}), None)
    if again is not None:  # it may be another instrument each time
        cut = met[again].before
        _hand_over(recorder, scans[:cut], events, met[:again], sources, now_ns)
        rest = [replace(news, before=news.before - cut) for news in met[again:]]
        _hand_over(recorder, scans[cut:], [], rest, sources, now_ns)
        return
    first = {news.meter: news.before for news in met}
    earlier = [one for at, one in enumerate(scans) if one[0] not in first or at < first[one[0]]]
    recorder.take(earlier, events, sources, now_ns)
    if met:
        recorder.identified(met, now_ns)
        later = [one for at, one in enumerate(scans) if one[0] in first and at >= first[one[0]]]
        recorder.take(later, [], sources, now_ns)
