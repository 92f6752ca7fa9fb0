"""The whole gateway as a process: it admits and shows, stops when told to, and a kill costs nothing that was told."""

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import contextmanager

import pytest
import witnesses
from authors import wire
from doc_makers import outsider
from gateway_folder import SITE, Folder
from mqtt_client import Client
from test_gateway_witness import witnessing

from contract import body, cosignature, keys, receipt, records
from contract.anchor_records import AnchorPart
from gateway.database import sqlite_url
from gateway.ledger import Ledger, LedgerEntry

UP = f"metertrail/v1/{SITE}/edge-1"
STOP_S = 20


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@contextmanager
def running(folder: Folder):
    """A gateway whose broker listens; killed at the end if it still runs."""
    command = [sys.executable, "-m", "metertrail", "gateway", "run", str(folder.path)]
    log = folder.folder / "log"
    with log.open("ab") as file, subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stderr:
                file.write(line.encode())
                if "room=metertrail.ingest broker connected" in line:
                    break
            else:
                pytest.fail(log.read_text())
            yield process
        finally:
            process.kill()
            file.write(process.stderr.read().encode())


@contextmanager
def connected(folder: Folder):
    """The agent's end, after the first receipt of this run."""
    client = Client(folder.mqtt_port, "edge-1", "edge's")
    client.receipt = lambda: receipt.verify(client.next()[1], folder.gateway_key.public_key(), SITE)
    client.subscribe(f"{UP}/receipts")
    try:
        yield client
    finally:
        client.close()


def send(client: Client, folder: Folder, *sealed) -> receipt.Receipt:
    """Publish entries and wait for the receipt of the last."""
    for one in sealed:
        client.publish(f"{UP}/entries", wire(one))
    while True:
        told = client.receipt()
        if told.heads and told.heads[-1].hash == folder.edge.head.hash:
            return told


def asked(folder: Folder, path: str) -> dict[str, object]:
    with urllib.request.urlopen(f"http://127.0.0.1:{folder.web_port}{path}", timeout=STOP_S) as answer:
        return json.load(answer)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_admits_shows_and_stops_when_told_to(folder, number):
    with running(folder) as process:
        with connected(folder) as client:
            told = send(client, folder, folder.edge.begin(), folder.edge.say())
            assert told.checkpoint.size == 7
            assert asked(folder, "/healthz")["ledger_entries"] == 7
        process.send_signal(number)
        assert process.wait(STOP_S) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", folder.mqtt_port)).close()
    assert "Traceback" not in (folder.folder / "log").read_text()


def test_a_kill_at_any_moment_costs_nothing_that_was_told(folder):
    folder.edge.begin()
    sent, told = [folder.edge.begin()], None
    for _ in range(3):
        with running(folder) as process, connected(folder) as client:
            told = send(client, folder, *sent)
            sent = [folder.edge.say() for _ in range(5)]
            for one in sent:
                client.publish(f"{UP}/entries", wire(one))
            process.kill()
            process.wait(STOP_S)
        with sqlite3.connect(folder.folder / "data" / "ledger.sqlite") as database:
            assert database.execute("SELECT count(*) FROM entries").fetchone()[0] >= told.checkpoint.size
    reader = Ledger.open(sqlite_url(folder.folder / "data" / "ledger.sqlite"), SITE)
    seqs = [entry.seq for entry in reader.entries() if entry.author == "edge-1"]
    assert seqs == list(range(len(seqs)))
    assert len(seqs) >= told.heads[-1].seq + 1


def test_a_database_server_that_dies_stops_it_and_the_next_start_is_like_any_other(folder, postgresql):
    """Nobody was told of what was not kept: the agent sends it again."""
    url = postgresql.schema()
    folder.keep_in(url)
    with running(folder) as process, connected(folder) as client:
        told = send(client, folder, folder.edge.begin(), folder.edge.say())
        assert asked(folder, "/healthz")["ledger_entries"] == 7
        postgresql.stop("immediate")
        late = folder.edge.say()
        client.publish(f"{UP}/entries", wire(late))
        assert process.wait(STOP_S) == 1
    log = (folder.folder / "log").read_text()
    assert "stopped by a failure: the ledger takes no more entries: " in log
    assert "Traceback" not in log
    postgresql.start()
    with running(folder) as process, connected(folder) as client:
        assert send(client, folder, late).checkpoint.size > told.checkpoint.size
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_S) == 0
    reader = Ledger.open(url, SITE)
    assert [entry.seq for entry in reader.entries() if entry.author == "edge-1"] == [0, 1, 2]
    reader.close()


def test_outsiders_who_answer_or_not_stop_nothing(folder, tmp_path):
    """One witness that co-signs, and an authority that takes the request and never answers."""
    folder.write("w1.pub.pem", keys.public_to_pem(witnesses.KEY.public_key()))
    folder.write("stamps.pem", outsider("stamps.pem"))
    ledger_key = keys.private_from_pem((folder.folder / "ledger.pem").read_bytes()).public_key()
    (tmp_path / "w").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as silent, witnessing(tmp_path / "w", ledger_key, SITE) as url:
        folder.toml += (
            f'[[timestamp]]\nname = "stamps"\nurl = "http://127.0.0.1:{silent.getsockname()[1]}"\n'
            f'certificate = "stamps.pem"\n[[witness]]\nname = "{witnesses.NAME}"\nkey = "w1.pub.pem"\nurl = "{url}"\n'
        )
        folder.save()
        with running(folder) as process, connected(folder) as client:
            send(client, folder, folder.edge.begin())
            silent.accept()  # the authority was asked, and lets the gateway wait
            told = send(client, folder, folder.edge.say())
            while not (known := anchors(folder)):
                told = send(client, folder, folder.edge.say())
            assert told.checkpoint.size > 7
            process.send_signal(signal.SIGTERM)
            assert process.wait(STOP_S) == 0
    (part,) = (records.read(data, AnchorPart) for data in body.unpack(known[0].body).parts)
    assert cosignature.times_s(part.note, witnesses.NAME, witnesses.KEY.public_key())


def anchors(folder: Folder) -> list[LedgerEntry]:
    """What outsiders gave so far."""
    reader = Ledger.open(sqlite_url(folder.folder / "data" / "ledger.sqlite"), SITE)
    try:
        return list(reader.select(["anchor"], -(2**63), 2**63 - 1))
    finally:
        reader.close()


def ended(folder: Folder) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "metertrail", "gateway", "run", str(folder.path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_port_in_use_is_one_line(folder):
    with socket.create_server(("127.0.0.1", folder.web_port)):
        process = ended(folder)
    assert process.returncode == 1
    assert f"cannot start: web.port: 127.0.0.1:{folder.web_port}: " in process.stderr
    assert "Traceback" not in process.stderr


def test_a_ledger_of_another_key_is_one_line(folder):
    with running(folder) as process:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_S)
    folder.write("ledger.pem", keys.private_to_pem(keys.generate()), 0o600)
    process = ended(folder)
    assert process.returncode == 1
    assert "is this the ledger's key?" in process.stderr
    assert "Traceback" not in process.stderr


def test_a_ledger_that_takes_no_more_stops_it_with_a_failure(folder):
    with running(folder) as process, connected(folder) as client:
        with sqlite3.connect(folder.folder / "data" / "ledger.sqlite") as database:
            database.execute("CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        client.publish(f"{UP}/entries", wire(folder.edge.begin()))
        assert process.wait(STOP_S) == 1
    assert "stopped by a failure: the ledger takes no more entries: disk full" in (folder.folder / "log").read_text()
