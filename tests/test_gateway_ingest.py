"""From the broker to the ledger and back: receipts after the commit, refusals by name, nothing that stops it."""

import queue
import threading
import time
from types import SimpleNamespace

import pytest
from authors import Author, author_part, enrolment_part, event_part, wire
from gateway_folder import SITE, Folder
from mqtt_client import LIMIT_S, Client
from test_gateway_broker import started

from contract import keys, receipt
from contract.message import MESSAGE_BYTES_MAX
from gateway import ingest as room
from gateway.config import load
from gateway.database import sqlite_url
from gateway.errors import Corrupt, Unfit
from gateway.ingest import LIVE_BYTES_MAX, Ingest, Listeners, make_client
from gateway.ledger import Ledger
from gateway.sequencer import Outcome, Sequencer

AT_NS = 7
UP = f"metertrail/v1/{SITE}/edge-1"


class Intake:
    """An ingest on a folder's broker, with everything it tells put into one queue."""

    def __init__(self, folder: Folder) -> None:
        self.folder, self.key = folder, keys.generate()
        self.ledger_key = keys.generate()
        self.told: queue.Queue[tuple[object, ...]] = queue.Queue()
        self.path = folder.folder / "ledger.sqlite"

    def start(self) -> None:
        """Open the ledger and connect."""
        self.ledger = Ledger.open(sqlite_url(self.path), SITE, self.ledger_key)
        self.sequencer = Sequencer(self.ledger, self.key, lambda: AT_NS, lambda *_: None)
        if self.ledger.size == 0:
            self.sequencer.seal("manifest", [author_part()])
            self.sequencer.seal("enrolment", [enrolment_part("edge-1", self.folder.edge.public)])
        listeners = Listeners(
            on_live=lambda *told: self.told.put(("live", *told)),
            on_status=lambda *told: self.told.put(("status", *told)),
            on_refused=lambda verdict: self.told.put(("refused", verdict)),
            on_failure=lambda error: self.told.put(("failure", error)),
        )
        client = make_client(load(self.folder.path).mqtt, "gateway's", SITE)
        self.ingest = Ingest(client, SITE, self.sequencer, listeners, lambda: AT_NS)
        self.ingest.start("127.0.0.1", self.folder.mqtt_port)

    def stop(self) -> None:
        """Disconnect and close."""
        self.ingest.stop()
        self.ledger.close()

    def next(self) -> tuple[object, ...]:
        """The next thing that was told."""
        return self.told.get(timeout=LIMIT_S)


@pytest.fixture
def folder(tmp_path):
    folder = Folder(tmp_path)
    with started(folder) as process:
        yield folder
        process.terminate()


@pytest.fixture
def intake(folder):
    intake = Intake(folder)
    intake.start()
    yield intake
    intake.stop()


@pytest.fixture
def agent(intake, folder):
    """An agent that hears its receipts, the first of which tells that the gateway listens."""
    client = Client(folder.mqtt_port, "edge-1", "edge's")
    client.receipt = lambda: receipt.verify(client.next()[1], intake.key.public_key(), SITE)
    assert client.subscribe(f"{UP}/receipts")
    assert client.receipt().heads == []
    yield client
    client.close()


def send(agent: Client, *sealed) -> None:
    for one in sealed:
        agent.publish(f"{UP}/entries", wire(one))


def receipt_up_to(agent: Client, author: Author) -> receipt.Receipt:
    """Receipts until one reaches the author's head: how many there are depends on how messages were grouped."""
    while True:
        told = agent.receipt()
        if [head.hash for head in told.heads] == [author.head.hash]:
            return told


def test_entries_become_durable_and_then_a_receipt(agent, intake, folder):
    edge = folder.edge
    send(agent, edge.begin(), *(edge.say() for _ in range(40)))
    told = receipt_up_to(agent, edge)
    assert (told.checkpoint.size, told.checkpoint.root) == (43, intake.ledger.head().root)
    reader = Ledger.open(sqlite_url(intake.path), SITE)
    assert [entry.type for entry in reader.entries()][2:] == ["manifest", *["event"] * 40]
    assert receipt.verify(reader.receipts()["edge-1"], intake.key.public_key(), SITE) == told


def test_nothing_that_arrives_stops_it(agent, intake, folder):
    edge, stranger = folder.edge, Author("edge-1", site=SITE)
    for payload, verdict in [
        (b"", "malformed"), (b"noise", "malformed"), (bytes(MESSAGE_BYTES_MAX + 1), "too_large"),
        (wire(stranger.begin()), "unknown_key"),
    ]:  # fmt: skip
        agent.publish(f"{UP}/entries", payload)
        assert intake.next() == ("refused", verdict)
    first, second, third = edge.begin(), edge.say(), edge.say()
    send(agent, first, third)
    assert intake.next() == ("refused", "held")
    while not (wanted := agent.receipt().wanted):
        pass
    assert [(one.first, one.last) for one in wanted] == [(1, 1)]
    send(agent, second, third)
    assert receipt_up_to(agent, edge).wanted == []


def test_a_fork_is_told_to_its_author(agent, intake, folder):
    edge = folder.edge
    send(agent, edge.begin())
    other = edge.copy()
    send(agent, edge.say())
    receipt_up_to(agent, edge)
    second = other.say("event", [event_part(9)])
    send(agent, second)
    assert intake.next() == ("refused", "fork")
    assert [(one.verdict, one.hash) for one in agent.receipt().refused] == [("fork", second.hash)]


def test_live_and_status_go_to_the_pages_unless_they_are_too_large(agent, intake):
    agent.publish(f"{UP}/live", b"{}", qos=0)
    assert intake.next() == ("live", "edge-1", b"{}", AT_NS)
    agent.publish(f"{UP}/live", bytes(LIVE_BYTES_MAX + 1), qos=0)
    assert intake.next() == ("refused", "too_large")
    agent.publish(f"{UP}/status", b"online")
    assert intake.next() == ("status", "edge-1", b"online", AT_NS)


def test_a_gateway_that_was_away_takes_up_where_it_was(agent, intake, folder):
    edge = folder.edge
    send(agent, edge.begin())
    receipt_up_to(agent, edge)
    intake.stop()
    send(agent, edge.say(), edge.say())
    intake.start()
    told = receipt_up_to(agent, edge)
    assert told.checkpoint.size == 5
    retained = Client(folder.mqtt_port, "edge-1", "edge's")
    retained.subscribe(f"{UP}/receipts")
    topic, data, kept = retained.next()
    retained.close()
    assert (topic, kept) == (f"{UP}/receipts", True)
    assert receipt.verify(data, intake.key.public_key(), SITE).heads == told.heads


def test_a_ledger_that_fails_is_told_and_no_receipt_is_sent(agent, intake, folder, monkeypatch):
    def failing(*_):
        raise Corrupt("the disk is full")

    monkeypatch.setattr(intake.ledger, "append", failing)
    send(agent, folder.edge.begin())
    what, error = intake.next()
    assert (what, str(error)) == ("failure", "the disk is full")
    assert agent.messages.empty()


def test_a_ca_file_that_is_none(tmp_path):
    folder = Folder(tmp_path)
    folder.save(
        ("tls = false", 'ca_file = "site.toml"'), ("embedded = true", ""), ('password_file = "broker.passwords"', "")
    )
    with pytest.raises(Unfit, match="give the broker's CA certificate as PEM"):
        make_client(load(folder.path).mqtt, "word", SITE)


def test_a_group_is_bounded_below_the_queue():
    assert room.GROUP_MAX <= room.QUEUE_MAX


def test_what_waits_is_bounded_in_bytes_whatever_a_broker_lets_through():
    """Messages of 3 MB from a broker without limits, while the sequencer is busy: what is above a limit is cut."""
    judged: list[int] = []
    busy = threading.Event()

    def admit(messages):
        busy.wait(LIMIT_S)
        judged.extend(len(one.data) for one in messages)
        return Outcome({}, {})

    client = SimpleNamespace(
        ack=lambda *_: None, is_connected=lambda: False, disconnect=lambda: None, loop_stop=lambda: None
    )
    ingest = Ingest(client, SITE, SimpleNamespace(admit=admit), None, lambda: AT_NS)
    ingest._worker.start()
    given = SimpleNamespace(topic=f"{UP}/entries", payload=bytes(3_000_000), mid=1, qos=1)
    sender = threading.Thread(target=lambda: [ingest._on_message(client, None, given) for _ in range(150)])
    sender.start()
    sender.join(2)
    assert sender.is_alive()  # it waits for room, and so the broker waits
    assert ingest._queued_bytes <= room.QUEUE_BYTES_MAX
    busy.set()
    sender.join(LIMIT_S)
    while ingest._queue.qsize():
        time.sleep(0.01)
    ingest.stop()
    assert judged == [MESSAGE_BYTES_MAX + 1] * 150
    assert ingest._queued_bytes == 0
