"""The mosquitto configuration that ships: certificates are asked for, and an agent has its own topics and no others."""

import queue
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import certificates
import paho.mqtt.client as mqtt
import pytest
from authors import Author, author_part, enrolment_part, wire
from paho.mqtt.enums import CallbackAPIVersion

from agent import config as agent_config
from agent import publish, tls
from agent.custody import Credentials
from contract import keys, receipt
from gateway.config import Mqtt
from gateway.database import sqlite_url
from gateway.ingest import Ingest, Listeners, make_client
from gateway.ledger import Ledger
from gateway.sequencer import Sequencer
from simulators.bench.servers import free_port

SHIPPED = Path(__file__).parents[2] / "configs/mosquitto"
SITE = "plant-1"
UP = f"metertrail/v1/{SITE}"
LIMIT_S = 20


class Plant:
    """Files of one authority in a folder, and the broker's port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.authority = certificates.Authority()
        (folder / "ca.pem").write_bytes(self.authority.pem)
        self.issue("broker", self.authority, client=False)
        for name in ("gateway", "edge-1", "edge-2"):
            self.issue(name, self.authority)
        shutil.copy(SHIPPED / "metertrail.acl", folder)
        text = (SHIPPED / "mosquitto.conf").read_text()
        assert text.count("/etc/mosquitto/metertrail/") == 5
        text = text.replace("/etc/mosquitto/metertrail/", f"{folder}/").replace(
            "listener 8883", f"listener {self.port} 127.0.0.1"
        )
        (folder / "mosquitto.conf").write_text(f"user root\n{text}")

    def issue(
        self, name: str, authority: certificates.Authority, *, client: bool = True, to: str | None = None
    ) -> None:
        for kind, data in zip(("cert", "key"), authority.issue(name, client=client), strict=True):
            path = self.folder / f"{to or name}.{kind}.pem"
            path.write_bytes(data)
            path.chmod(0o600)

    def file(self, name: str, kind: str) -> Path:
        return self.folder / f"{name}.{kind}.pem"


@pytest.fixture
def plant(tmp_path: Path, need):
    need("mosquitto")
    plant = Plant(tmp_path)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(["mosquitto", "-c", str(tmp_path / "mosquitto.conf")], stdout=log, stderr=log)
        try:
            end_s = time.monotonic() + LIMIT_S
            while socket.socket().connect_ex(("127.0.0.1", plant.port)):
                assert process.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < end_s
                time.sleep(0.05)
            yield plant
        finally:
            process.kill()
            process.wait()


def agents_client(plant: Plant, name: str) -> tuple[mqtt.Client, "queue.Queue[tuple[str, bytes]]"]:
    """The agent's own client, connected; with what it hears."""
    settings = agent_config.Mqtt(
        host="localhost", port=plant.port, username=name, ca_file=plant.folder / "ca.pem",
        cert_file=plant.file(name, "cert"), key_file=plant.file(name, "key"),
    )  # fmt: skip
    assert not list(tls.faults(settings))
    connection = tls.authority(settings.ca_file)
    tls.show(settings, connection)
    key = keys.generate()
    client = publish.make_client(settings, f"t-{name}", Credentials(key, (key.public_key(),), None, connection))
    heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
    connected: queue.Queue[object] = queue.Queue()
    client.on_message = lambda _c, _d, told: heard.put((told.topic, told.payload))
    client.on_connect = lambda *_: connected.put(None)
    client.on_subscribe = lambda *_: connected.put(None)
    client.connect("localhost", plant.port)
    client.loop_start()
    connected.get(timeout=LIMIT_S)
    client.subscribe(f"{UP}/+/receipts", qos=1)
    client.subscribe(f"{UP}/{name}/receipts", qos=1)
    for _ in range(2):
        connected.get(timeout=LIMIT_S)
    return client, heard


@pytest.fixture
def intake(plant: Plant, tmp_path: Path):
    """A gateway with certificate, and the entries it admitted."""
    admitted: queue.Queue[object] = queue.Queue()
    key, edges = keys.generate(), {name: Author(name, site=SITE) for name in ("edge-1", "edge-2")}
    ledger = Ledger.open(sqlite_url(tmp_path / "ledger.sqlite"), SITE, keys.generate())
    sequencer = Sequencer(ledger, key, lambda: 7, lambda entries, _: [admitted.put(entry) for entry in entries])
    sequencer.seal("manifest", [author_part()])
    for name, edge in edges.items():
        sequencer.seal("enrolment", [enrolment_part(name, edge.public)])
    settings = Mqtt(
        host="localhost", port=plant.port, ca_file=plant.folder / "ca.pem",
        cert_file=plant.file("gateway", "cert"), key_file=plant.file("gateway", "key"),
    )  # fmt: skip
    failed: queue.Queue[Exception] = queue.Queue()
    nothing = lambda *_: None  # noqa: E731
    ingest = Ingest(
        make_client(settings, None, SITE), SITE, sequencer, Listeners(nothing, nothing, nothing, failed.put), lambda: 7
    )
    ingest.start("localhost", plant.port)
    while not admitted.empty():
        admitted.get()
    yield admitted, key.public_key(), edges
    ingest.stop()
    ledger.close()
    assert failed.empty()


def test_an_agent_has_its_own_topics_and_no_others(plant: Plant, intake) -> None:
    admitted, gateway_key, edges = intake
    first, heard = agents_client(plant, "edge-1")
    second, heard_too = agents_client(plant, "edge-2")
    entry = wire(edges["edge-1"].begin())
    second.publish(f"{UP}/edge-1/entries", entry, qos=1).wait_for_publish(LIMIT_S)  # another's: goes nowhere
    second.publish(f"{UP}/edge-2/entries", wire(edges["edge-2"].begin()), qos=1).wait_for_publish(LIMIT_S)
    assert admitted.get(timeout=LIMIT_S).author == "edge-2"
    assert admitted.empty()
    first.publish(f"{UP}/edge-1/entries", entry, qos=1).wait_for_publish(LIMIT_S)
    assert admitted.get(timeout=LIMIT_S).author == "edge-1"
    for queue_, name in ((heard, "edge-1"), (heard_too, "edge-2")):
        told = []
        while not told or not receipt.verify(told[-1][1], gateway_key, SITE).heads:
            told.append(queue_.get(timeout=LIMIT_S))
        assert {topic for topic, _ in told} == {f"{UP}/{name}/receipts"}, "an agent heard another's receipts"
        assert receipt.verify(told[-1][1], gateway_key, SITE).agent == name
    for client in (first, second):
        client.disconnect()
        client.loop_stop()


@pytest.mark.parametrize("shown", [None, "stranger"], ids=["no certificate", "another authority's"])
def test_nobody_else_gets_in(plant: Plant, shown: str | None) -> None:
    connection = ssl.create_default_context(cafile=plant.folder / "ca.pem")
    if shown:
        plant.issue("edge-1", certificates.Authority("another CA"), to=shown)
        connection.load_cert_chain(plant.file(shown, "cert"), plant.file(shown, "key"))
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.tls_set_context(connection)
    ended: queue.Queue[str] = queue.Queue()
    client.on_connect = lambda *_: ended.put("let in")
    client.on_disconnect = lambda *_: ended.put("turned away")
    try:
        client.connect("localhost", plant.port)
        client.loop_start()
        assert ended.get(timeout=LIMIT_S) == "turned away"
    except ssl.SSLError:
        pass  # with TLS 1.2 the handshake itself fails
    finally:
        client.loop_stop()
