"""The agent, put together: the one place that reads the clock, opens files and sockets, and starts tasks.

In: a checked plan. Out: a process that reads, records and publishes until it is told to stop. Nothing holds the event
loop for long: the journal, signing and kernels have a worker thread of their own, files for publishing others.
"""

import asyncio
import importlib
import logging
import secrets
import signal
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from agent import custody, live
from agent.batches import Source
from agent.check import Plan
from agent.clock import AgentClock
from agent.drivers import DRIVERS, Driver, Scan, Target, Unreachable
from agent.journal import Journal
from agent.poll import Inbox, Polled, poll
from agent.publish import Publisher, make_client
from agent.recorder import Recorder, Settings
from contract.records import EventPart, Offset
from contract.writer import Writer

log = logging.getLogger("metertrail.agent")

NS_PER_S, NS_PER_MS = 1_000_000_000, 1_000_000
ROUND_S = 0.25  # how often readings go to disk
LIVE_S = 1.0
OFFSET_EVERY_S = 10.0
DRAIN_S = 5.0  # a stop waits so long for the last receipts


async def run(plan: Plan) -> None:
    """Run until SIGINT or SIGTERM. Raises ValueError for a key or password file that cannot be used."""
    settings = plan.config.agent
    clock = AgentClock()
    key, gateway_key = custody.load_private(settings.key), custody.load_public(settings.gateway_key)
    client = make_client(plan.config.mqtt, f"metertrail-{settings.site}-{settings.name}")
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    worker = ThreadPoolExecutor(1, thread_name_prefix="journal")
    in_worker = asyncio.get_running_loop().run_in_executor
    journal = await in_worker(worker, Journal, settings.data)
    writer = Writer(settings.site, settings.name, key, secrets.token_bytes(16))
    recorder = Recorder(
        journal,
        writer,
        Settings(
            plan.meters,
            plan.config.line,
            plan.config_hash,
            settings.seal_s * NS_PER_S,
            settings.close_wait_s * NS_PER_S,
        ),
        clock.state,
        secrets.token_bytes,
    )
    await in_worker(worker, recorder.open, clock.now_ns())
    publisher = Publisher(client, (settings.site, settings.name), gateway_key, journal)
    publisher.start(plan.config.mqtt.host, plan.config.mqtt.port)
    drivers = {name: _open(plan, name, clock) for name in plan.buses}
    floor = Floor(plan, drivers, clock)
    tasks = [
        *(asyncio.create_task(poll(drivers[n], floor.on_bus(n), floor.inbox, clock.now_ns)) for n in drivers),
        asyncio.create_task(publisher.run(clock.now_ns)),
        asyncio.create_task(floor.watch_offsets()),
        asyncio.create_task(floor.record(recorder, publisher, worker)),
        asyncio.create_task(floor.show(recorder, publisher, worker)),
    ]
    stopped = asyncio.create_task(stopping.wait())
    log.info("agent=%s site=%s meters=%d running", settings.name, settings.site, len(plan.meters))
    await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    failed = [task.exception() for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await in_worker(worker, recorder.take, *floor.inbox.take(), floor.sources(), clock.now_ns())
    await in_worker(worker, recorder.seal, clock.now_ns())
    try:
        await asyncio.wait_for(publisher.drain(clock.now_ns), DRAIN_S)
    except TimeoutError:
        log.info("stopping before everything was delivered: the journal keeps it")
    publisher.stop()
    for driver in drivers.values():
        await driver.close()
    await in_worker(worker, journal.close)
    worker.shutdown()
    for error in failed:
        if error is not None:
            raise error
    log.info("agent=%s stopped", settings.name)


class Floor:
    """What the tasks share: the inbox, the last scans, and the offsets of the batch sources' clocks."""

    def __init__(self, plan: Plan, drivers: Mapping[str, Driver], clock: AgentClock) -> None:
        self._plan, self._drivers, self._clock = plan, drivers, clock
        self.inbox = Inbox()
        self._last: dict[str, dict[int, Scan]] = {}
        self._offsets: dict[str, Offset] = {}
        self._bus_of = {m.meter.name: m.meter.bus for m in plan.meters}

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
            for bus in used:
                measure = getattr(self._drivers[bus], "clock_offset_ns", None)
                if measure is None:
                    continue
                try:
                    lower_ns, upper_ns = await measure()
                    self._offsets[bus] = Offset(lower_ns=lower_ns, upper_ns=upper_ns)
                except Unreachable:
                    self._offsets.pop(bus, None)  # an offset of before the outage proves nothing after it
            await asyncio.sleep(OFFSET_EVERY_S)

    async def record(self, recorder: Recorder, publisher: Publisher, worker: ThreadPoolExecutor) -> None:
        """Hand what was read to the recorder, a few times a second."""
        while True:
            await asyncio.sleep(ROUND_S)
            scans, events = self.inbox.take()
            for meter, scan in scans:
                self._last.setdefault(meter, {})[scan.block] = scan
            if step_ns := self._clock.step_ns():
                log.warning("clock stepped by_ms=%d", step_ns // NS_PER_MS)
                detail = {"step_ns": step_ns}
                events.append(EventPart(event="clock_step", about="clock", at_ns=self._clock.now_ns(), detail=detail))
            recorder.checkpoint = publisher.checkpoint
            await asyncio.get_running_loop().run_in_executor(
                worker, recorder.take, scans, events, self.sources(), self._clock.now_ns()
            )

    async def show(self, recorder: Recorder, publisher: Publisher, worker: ThreadPoolExecutor) -> None:
        """Tell the pages what is going on, each second."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LIVE_S)
            last = {meter: list(scans.values()) for meter, scans in self._last.items()}
            told: dict[str, Any] = {
                "at_ns": self._clock.now_ns(),
                "meters": live.meters(self._plan.meters, last),
                "running": await loop.run_in_executor(worker, _running, recorder),
            }
            publisher.live(told)


def _running(recorder: Recorder) -> list[dict[str, object]]:
    lines, segments = recorder.snapshot()
    return live.running(lines, recorder.line_parts, recorder.counters, segments)


def _open(plan: Plan, bus: str, clock: AgentClock) -> Driver:
    driver, settings = plan.buses[bus]
    module = importlib.import_module(DRIVERS[driver])
    meters = {m.meter.name: Target(m.meter.unit, m.profile, m.meter.base) for m in plan.meters if m.meter.bus == bus}
    opened: Driver = module.open_driver(settings, meters, clock.now_ns)
    return opened
