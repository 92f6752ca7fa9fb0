"""The agent, put together: the one place that reads the clock, opens files and sockets, and starts tasks.

In: a checked plan and its credentials. Out: a process that reads, records and publishes until it is told to stop.
Nothing holds the event loop for long: the journal, signing and kernels have a worker thread of their own, files for
publishing others.
"""

import asyncio
import logging
import secrets
import signal
from concurrent.futures import Executor, ThreadPoolExecutor

from agent.aggregation.record import compile_kernels
from agent.check import Plan, open_drivers
from agent.clock import AgentClock
from agent.custody import Credentials
from agent.floor import Bus, Floor
from agent.journal import Journal
from agent.poll import Inbox, poll
from agent.publish import Publisher, make_client
from agent.recorder import Recorder, Settings
from contract.writer import Writer

log = logging.getLogger("metertrail.agent")

NS_PER_S = 1_000_000_000
DRAIN_S = 5.0  # a stop waits so long for the last receipts


async def run(plan: Plan, credentials: Credentials) -> None:
    """Run until SIGINT or SIGTERM.

    Raises files.InUse, clock.Behind, OSError or sqlite3.Error for a journal that cannot be kept.
    """
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    with ThreadPoolExecutor(1, thread_name_prefix="journal") as worker:
        journal = await asyncio.get_running_loop().run_in_executor(worker, Journal, plan.config.agent.data)
        try:
            await _run(plan, credentials, journal, worker, stopping)
        finally:
            worker.submit(journal.close)


async def _run(
    plan: Plan, credentials: Credentials, journal: Journal, worker: Executor, stopping: asyncio.Event
) -> None:
    settings, mqtt = plan.config.agent, plan.config.mqtt
    clock = AgentClock(journal.latest_ns())
    recorder = _recorder(plan, credentials, journal, clock)
    # compiling takes seconds and stalls every thread: before the first reading, not at the first batch
    await asyncio.get_running_loop().run_in_executor(worker, compile_kernels)
    await asyncio.get_running_loop().run_in_executor(worker, recorder.open, clock.now_ns())
    client = make_client(mqtt, f"metertrail-{settings.site}-{settings.name}", credentials)
    publisher = Publisher(client, (settings.site, settings.name), credentials.gateway_key, journal)
    inbox = Inbox()
    buses = {name: Bus(driver) for name, driver in open_drivers(plan, clock.now_ns, inbox.tell).items()}
    floor = Floor(plan, buses, clock, worker, inbox)
    publisher.start(mqtt.host, mqtt.port)
    recording = asyncio.create_task(floor.record(recorder, publisher))
    others = [
        *(asyncio.create_task(poll(bus, floor.on_bus(n), floor.inbox, clock.now_ns)) for n, bus in buses.items()),
        asyncio.create_task(publisher.run(clock.now_ns)),
        asyncio.create_task(floor.watch_offsets()),
        asyncio.create_task(floor.show(recorder, publisher)),
    ]
    stopped = asyncio.create_task(stopping.wait())
    log.info("agent=%s site=%s meters=%d running", settings.name, settings.site, len(plan.meters))
    await asyncio.wait([stopped, recording, *others], return_when=asyncio.FIRST_COMPLETED)
    for task in (stopped, *others):
        task.cancel()
    ends = await asyncio.gather(*others, return_exceptions=True)
    floor.stopping = True
    ends += await asyncio.gather(recording, return_exceptions=True)
    try:
        await asyncio.wait_for(publisher.drain(clock.now_ns), DRAIN_S)
    except TimeoutError:
        log.info("stopping before everything was delivered: the journal keeps it")
    await asyncio.to_thread(publisher.stop)
    for bus in buses.values():
        await bus.close()
    for end in ends:
        if isinstance(end, Exception):  # a cancelled task is none
            raise end
    log.info("agent=%s stopped", settings.name)


def _recorder(plan: Plan, credentials: Credentials, journal: Journal, clock: AgentClock) -> Recorder:
    settings = plan.config.agent
    return Recorder(
        journal,
        Writer(settings.site, settings.name, credentials.key, secrets.token_bytes(16)),
        Settings(
            plan.meters, plan.config.line, plan.config_hash, settings.seal_s * NS_PER_S,
            settings.close_wait_s * NS_PER_S,
        ),
        clock.state,
        secrets.token_bytes,
    )  # fmt: skip
