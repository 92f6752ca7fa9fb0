"""The gateway, put together: the one place that reads the clock, opens sockets and starts threads and processes.

In: a checked configuration. Out: a running gateway, until SIGTERM or SIGINT, or until its ledger takes no more. A kill
at any moment is safe: nothing is told before it is durable, and a start after it is like any other.
"""

import asyncio
import contextlib
import heapq
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Coroutine, Iterator, Sequence
from operator import attrgetter
from pathlib import Path

import uvicorn

from contract import body
from gateway import broker, factors, late_api, live_message, own_chain, site_model, spool, web
from gateway.anchor import Anchoring
from gateway.attribution import BatchFacts, facts, late_facts
from gateway.config import Config, Mqtt, Web
from gateway.errors import Stopped
from gateway.ingest import Ingest, Listeners, make_client
from gateway.ledger import Ledger, LedgerEntry
from gateway.live import BATCH_MARGIN_NS, Live
from gateway.mirror import Mirror, batch_point, meter_points
from gateway.opening import open_sequencer
from gateway.preflight import Prepared
from gateway.sequencer import Sequencer
from gateway.spool_kinds import KINDS
from gateway.trust import shown_parts

log = logging.getLogger("metertrail.gateway")

RECENT = ("segment", "batch", "late_batch")
TIME_MIN, TIME_MAX = -(2**63), 2**63 - 1
SPOOL_S = 1.0  # how often the spool is looked through
STOP_S = 3  # how long pages and the broker get to finish
RESTART_S, RESTART_MOST_S = 1.0, 30.0
LISTENING_S, LISTENING_TRIES = 0.1, 50


def run(path: Path, config: Config, prepared: Prepared) -> int:
    """Run until told to stop; 0 then, 1 after a failure."""
    now_ns = time.time_ns
    live = Live(site_model.parse(prepared.site), factors.library(prepared.factors), now_ns())
    rebuilt = threading.Event()

    mirror = Mirror(config.mirror, prepared.mirror_token) if config.mirror and prepared.mirror_token else None

    def on_admitted(entries: Sequence[LedgerEntry], at_ns: int) -> None:
        with _never_evidence("entries"):
            if rebuilt.is_set():
                live.on_admitted(entries, at_ns)
            if mirror:
                mirror.put([batch_point(config.gateway.site, batch) for batch in _batches(entries)])

    try:
        client = make_client(config.mqtt, prepared.mqtt_password, config.gateway.site)
        listening = _listen(config.web)
        ledger, sequencer = open_sequencer(path, config, prepared, now_ns, on_admitted)
    except (Stopped, OSError) as error:
        log.critical("cannot start: %s", error)
        return 1
    try:
        with _never_evidence("ledger"):
            live.on_admitted(_recent(ledger, live), now_ns())
        rebuilt.set()
        log.info("ledger open site=%s entries=%d", config.gateway.site, ledger.size)
        for name in own_chain.unbelieved(sequencer.trust, prepared):
            log.warning("agent=%s: its key is revoked: give a new one and run `metertrail gateway reenrol`", name)
        process = Process(path, config)
        if mirror:
            mirror.start()
        anchoring = Anchoring(prepared.outsiders.asked, ledger, sequencer.seal, now_ns, process.fail)
        anchoring.start()
        ingest = Ingest(client, config.gateway.site, sequencer, _listeners(live, process, mirror), now_ns)
        intake = late_api.Intake(config.gateway.data, prepared.web_token) if prepared.web_token else None
        app = web.build(live, ledger, prepared.web_password, now_ns, intake)
        served = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=STOP_S)
        filings = keep_spool(config.gateway.data, ledger, sequencer)
        try:
            return asyncio.run(process.run(uvicorn.Server(served), listening, ingest, filings))
        finally:
            anchoring.stop()
    finally:
        if mirror:
            mirror.stop()
        ledger.close()
        log.info("ledger closed entries=%d", ledger.size)


class Process:
    """What runs side by side, and how it ends together."""

    def __init__(self, path: Path, config: Config) -> None:
        self._path, self._config = path, config
        self._failure: Exception | None = None
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def fail(self, error: Exception) -> None:
        """Stop everything because of this. Called from any thread."""
        self._failure = self._failure or error
        if self._loop:
            self._loop.call_soon_threadsafe(self._stop.set)

    async def run(
        self, server: uvicorn.Server, listening: socket.socket, ingest: Ingest, filings: Coroutine[None, None, None]
    ) -> int:
        """Start, wait for the end, stop; the exit status."""
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stop.set)
        tasks = [asyncio.create_task(server.serve([listening])), asyncio.create_task(filings)]
        if self._config.broker.embedded:
            tasks.append(asyncio.create_task(keep_broker(self._path)))
            await _until_listening(self._config.mqtt)
        ingest.start(self._config.mqtt.host, self._config.mqtt.port)
        waiting = asyncio.create_task(self._stop.wait())
        done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
        stopped = waiting in done or server.should_exit
        await asyncio.to_thread(ingest.stop)
        server.should_exit = True
        await asyncio.wait(tasks[:1], timeout=STOP_S + 1)
        for task in (waiting, *tasks):
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        failure = self._failure or next((e for e in ended if isinstance(e, Exception)), None)
        if failure is None and not stopped:
            failure = Stopped("the pages' server ended by itself")
        if failure is None:
            return 0
        log.critical("stopped by a failure: %s", failure, exc_info=None if isinstance(failure, Stopped) else failure)
        return 1


async def keep_broker(path: Path) -> None:
    """Run the embedded broker in a process of its own, again if it ends, until cancelled.

    Its standard input is a pipe that nobody writes to: when this process ends, however suddenly, so does the pipe.
    """
    pause_s = RESTART_S
    while True:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", broker.__name__, str(path), broker.UNTIL_STDIN_ENDS),
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches this process alone, which stops the broker last
        )
        started_s = asyncio.get_running_loop().time()
        try:
            status = await process.wait()
        finally:
            await _end(process)
        if asyncio.get_running_loop().time() - started_s > RESTART_MOST_S:
            pause_s = RESTART_S
        log.error("broker ended status=%d next_start_s=%d", status, pause_s)
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, RESTART_MOST_S)


async def keep_spool(data: Path, ledger: Ledger, sequencer: Sequencer) -> None:
    """Work the spool off each second, until cancelled. A disk that will not let files go stops nothing else."""
    while True:
        try:
            for done in await asyncio.to_thread(lambda: list(spool.work_off(data, KINDS, ledger, sequencer.seal))):
                log.info("filing name=%s %s", done.name, f"refused: {done.reason}" if done.reason else "kept")
        except OSError as error:
            log.warning("spool cannot be worked off: %s", error)
        await asyncio.sleep(SPOOL_S)


async def _until_listening(settings: Mqtt) -> None:
    """Wait a little for the broker, so that the first connection need not be the second; without it, ingest retries."""
    for _ in range(LISTENING_TRIES):
        try:
            _, writer = await asyncio.open_connection(settings.host, settings.port)
        except OSError:
            await asyncio.sleep(LISTENING_S)
            continue
        writer.close()
        return


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def _listen(web: Web) -> socket.socket:
    family = socket.AF_INET6 if ":" in web.host else socket.AF_INET
    try:
        return socket.create_server((web.host, web.port), family=family)
    except OSError as error:
        raise Stopped(
            f"web.port: {web.host}:{web.port}: {error.strerror}: choose another, or stop what uses it"
        ) from None


def _recent(ledger: Ledger, live: Live) -> Iterator[LedgerEntry]:
    """What the pages need of the ledger: every manifest, and the segments and batches of the open period."""
    since_ns = live.state.from_ns - BATCH_MARGIN_NS
    parts = ledger.select(["manifest"], TIME_MIN, TIME_MAX), ledger.select(RECENT, since_ns, TIME_MAX)
    for entry in heapq.merge(*parts, key=attrgetter("index")):
        if live.wants(entry.type, entry.to_ns):
            yield entry


def _batches(entries: Sequence[LedgerEntry]) -> Iterator[BatchFacts]:
    for entry in entries:
        if entry.type in {"batch", "late_batch"}:
            parts = shown_parts(body.unpack(entry.body))
            yield late_facts(parts) if entry.type == "late_batch" else facts(entry.author, parts)


def _listeners(live: Live, process: Process, mirror: Mirror | None) -> Listeners:
    def on_live(agent: str, payload: bytes, at_ns: int) -> None:
        with _never_evidence("live"):
            live.on_live(agent, payload, at_ns)
        if mirror:
            with contextlib.suppress(ValueError):  # counted by the pages
                mirror.put(meter_points(live.site.site, agent, live_message.parse(payload)))

    def on_status(agent: str, payload: bytes, at_ns: int) -> None:
        with _never_evidence("status"):
            live.on_status(agent, payload, at_ns)

    return Listeners(on_live, on_status, live.on_refused, process.fail)


@contextlib.contextmanager
def _never_evidence(what: str) -> Iterator[None]:
    """A fault in what is only shown must not stop what is kept."""
    try:
        yield
    except Exception:
        log.exception("could not be shown what=%s", what)
