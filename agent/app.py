"""The agent, put together: the one place that reads the clock, opens files and sockets, and starts tasks.

In: a checked plan and its credentials. Out: a process that reads, records and publishes until it is told to stop, and
reads its configuration again when told to.
Nothing holds the event loop for long: the journal, signing and kernels have a worker thread of their own, files for
publishing others.
"""

import asyncio
import logging
import secrets
import signal
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent import key_change
from agent.aggregation.record import compile_kernels
from agent.check import Plan, open_drivers
from agent.clock import AgentClock
from agent.crew import Crew
from agent.custody import Credentials
from agent.floor import Floor
from agent.journal import Journal
from agent.keeper import Keeper
from agent.kernel_cache import keep_kernels, vouch
from agent.poll import Inbox
from agent.publish import Publisher, make_client
from agent.recorder import Recorder, Settings
from agent.reload import change
from agent.retention import DAY_NS
from agent.room import Room
from contract.entry import TreeHead
from contract.problems import Problems
from contract.writer import Writer

log = logging.getLogger("metertrail.agent")

NS_PER_S = 1_000_000_000
DRAIN_S = 5.0  # a stop waits so long for the last receipts

Again = Callable[[], Plan]


@dataclass(frozen=True, slots=True)
class Signals:
    """What the process is told from outside, and how the configuration is read again."""

    stopping: asyncio.Event
    hung_up: asyncio.Event
    again: Again

    def end(self) -> None:
        """Let nobody wait any longer."""
        self.stopping.set()
        self.hung_up.set()

    async def is_asked_again(self) -> bool:
        """Wait until the configuration is to be read again; False if it is over."""
        await self.hung_up.wait()
        self.hung_up.clear()
        return not self.stopping.is_set()


async def run(plan: Plan, credentials: Credentials, again: Again) -> None:
    """Run until SIGINT or SIGTERM; at SIGHUP go on under the plan that `again` reads, which raises Problems.

    Raises Problems for a key that the journal shows to be past, and files.InUse, OSError or sqlite3.Error for a journal
    that cannot be kept.
    """
    stopping, hung_up = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, hung_up.set)
    with ThreadPoolExecutor(1, thread_name_prefix="journal") as worker:
        journal = await loop.run_in_executor(worker, _journal, plan.config.agent.data)
        try:
            await _run(plan, credentials, journal, worker, Signals(stopping, hung_up, again))
        finally:
            worker.submit(journal.close)


async def _run(plan: Plan, credentials: Credentials, journal: Journal, worker: Executor, signals: Signals) -> None:
    settings, mqtt = plan.config.agent, plan.config.mqtt
    clock = AgentClock(journal.latest_ns())
    loop = asyncio.get_running_loop()
    recorder = _keeper(plan, credentials, journal, clock)
    await _prepare(plan, worker)
    await loop.run_in_executor(worker, recorder.open, clock.now_ns())
    client = make_client(mqtt, f"metertrail-{settings.site}-{settings.name}", credentials)
    publisher = Publisher(client, (settings.site, settings.name), credentials.gateway_keys, journal)
    inbox = Inbox()
    crew = Crew(inbox, clock.now_ns)
    floor = Floor(plan, crew, clock, worker, inbox)
    crew.start(plan, open_drivers(plan, clock.now_ns, inbox.tell))
    publisher.start(mqtt.host, mqtt.port)
    recording = asyncio.create_task(floor.record(recorder, publisher))
    reloading = asyncio.create_task(_reload(signals, plan, floor, recorder, clock, worker))
    others: list[asyncio.Task[Any]] = [
        asyncio.create_task(publisher.run(clock.now_ns)),
        asyncio.create_task(floor.watch_offsets()),
        asyncio.create_task(floor.show(recorder, publisher)),
        asyncio.create_task(signals.stopping.wait()),
        asyncio.create_task(crew.failed.wait()),
    ]
    log.info("agent=%s site=%s meters=%d running", settings.name, settings.site, len(plan.meters))
    await asyncio.wait([recording, reloading, *others], return_when=asyncio.FIRST_COMPLETED)
    signals.end()  # a plan that is being switched to is first in force
    ends: list[object] = [*await asyncio.gather(reloading, return_exceptions=True)]
    for task in others:
        task.cancel()
    ends += await asyncio.gather(*others, return_exceptions=True)
    ends += await crew.cancel()
    floor.stopping = True
    ends += await asyncio.gather(recording, return_exceptions=True)
    try:
        await asyncio.wait_for(publisher.drain(clock.now_ns), DRAIN_S)
    except TimeoutError:
        log.info("stopping before everything was delivered: the journal keeps it")
    await asyncio.to_thread(publisher.stop)
    for end in ends:
        if isinstance(end, Exception):  # a cancelled task is none
            raise end
    log.info("agent=%s stopped", settings.name)


async def _reload(
    signals: Signals, plan: Plan, floor: Floor, recorder: Keeper, clock: AgentClock, worker: Executor
) -> None:
    """Go on under the configuration as it is now, each time it is asked for. A faulty one changes nothing."""
    while await signals.is_asked_again():
        try:
            new = await asyncio.to_thread(signals.again)
            changed = change(plan, new)
            if changed.restart:
                raise Problems(changed.restart)  # noqa: TRY301 - the same fate as a file that is at fault
            drivers = open_drivers(new, clock.now_ns, floor.inbox.tell, changed.opened)
        except (Problems, ValueError) as problems:
            for line in str(problems).splitlines():
                log.error("not reloaded: %s", line)  # noqa: TRY400 - words for whoever wrote the file
            continue
        await _prepare(new, worker)
        await floor.switch(new, changed, _settings(new), drivers, recorder)
        plan = new
        kept, opened, closed = (sorted(names) for names in (changed.kept, changed.opened, changed.closed))
        log.info("reloaded meters=%d buses kept=%s opened=%s closed=%s", len(new.meters), kept, opened, closed)


async def _prepare(plan: Plan, worker: Executor) -> None:
    """Compile the kernels, if a line needs them: it takes seconds and stalls every thread, so before any reading."""
    if plan.config.line:
        keep_kernels(plan.config.agent.data)
        await asyncio.get_running_loop().run_in_executor(worker, compile_kernels)
        vouch(plan.config.agent.data)


def _settings(plan: Plan) -> Settings:
    agent = plan.config.agent
    seal_ns, close_wait_ns = agent.seal_s * NS_PER_S, agent.close_wait_s * NS_PER_S
    return Settings(plan.meters, plan.config.line, plan.config_hash, seal_ns, close_wait_ns, plan.config.calendar)


def _journal(folder: Path) -> Journal:
    """The journal; where the disk is full it can be opened in the room of the reserve."""
    room = Room(folder)
    if folder.is_dir() and room.is_tight():
        room.give_up_reserve()
    return Journal(folder)


def _keeper(plan: Plan, credentials: Credentials, journal: Journal, clock: AgentClock) -> Keeper:
    agent = plan.config.agent

    def begun(settings: Settings, checkpoint: TreeHead | None, now_ns: int) -> Recorder:
        """A recorder that is open, under the key that the journal goes on with."""
        chosen = key_change.choose(key_change.said(journal), credentials.key, credentials.next_key)
        if chosen.is_strange:
            log.warning("agent.key is not the one that this journal was signed with: the gateway must enrol it anew")
        writer = Writer(agent.site, agent.name, chosen.key, secrets.token_bytes(16))
        recorder = Recorder(journal, writer, settings, clock.state, secrets.token_bytes)
        recorder.checkpoint = checkpoint
        recorder.open(now_ns)
        if chosen.rotate_to is not None:
            recorder.rotate(chosen.rotate_to, now_ns)
            log.info("key rotated: the next one is in force")
        key_change.remember(journal, now_ns)
        return recorder

    room = Room(agent.data, agent.journal_bytes_max)
    return Keeper(journal, room, agent.retention_days * DAY_NS, _settings(plan), begun)
