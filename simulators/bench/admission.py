"""What it costs to admit and keep evidence: `python -m simulators.bench.admission`.

In: how many entries, of how many meters and scans. Out: entries and readings per second through admission and commit,
on SQLite and PostgreSQL, beside mosquitto forwarding the very same messages in the same run; and bytes a reading in the
ledger, beside Parquet and VictoriaMetrics holding the same readings. What is not installed is not compared.

Every commit is durable: SQLite with synchronous=FULL, PostgreSQL as it is set up. Processor time is this process's,
and for PostgreSQL, which works in another, wall time says more.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt.enums import CallbackAPIVersion

from contract import keys, records
from contract.topics import Topic, format_topic
from gateway import database, pack
from gateway.database import sqlite_url
from gateway.ingest import GROUP_MAX
from gateway.ledger import Ledger
from gateway.ledger_rows import Database
from gateway.pack_form import ENTRIES, READINGS
from gateway.sequencer import Message, Sequencer
from simulators.bench import evidence, servers, stores
from simulators.bench.acquisition import cpu_s

TOPIC = Topic(evidence.SITE, evidence.AGENT, "entries")
FORWARDED_S = 120.0
DAY_NS = 86_400 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds by the clock, and of this process's (or the broker's) processor."""

    wall_s: float
    cpu_s: float


def admitted(
    url: str, folder: Path, ledger_key: Ed25519PrivateKey, agent: keys.PublicKey, messages: Sequence[bytes]
) -> Took:
    """Admit and commit every message, in groups as ingest makes them. Raises RuntimeError unless all are admitted."""
    ledger = Ledger.open(url, evidence.SITE, ledger_key, folder / "checkpoints.txt")
    try:
        sequencer = Sequencer(ledger, keys.generate(), time.time_ns, lambda _entries, _at_ns: None)
        begun = records.Author(parent=None, reason="start", software="bench", config_hash=bytes(32), started_ns=0)
        sequencer.seal("manifest", [records.write(begun)])
        enrolled = records.EnrolmentPart(author=evidence.AGENT, key=keys.cose_key(agent), key_id=keys.thumbprint(agent))
        sequencer.seal("enrolment", [records.write(enrolled)])
        before, wall_s, busy_s = ledger.size, time.perf_counter(), time.process_time()
        for first in range(0, len(messages), GROUP_MAX):
            sequencer.admit([Message(TOPIC, data) for data in messages[first : first + GROUP_MAX]])
        took = Took(time.perf_counter() - wall_s, time.process_time() - busy_s)
        if ledger.size - before != len(messages):
            raise RuntimeError(f"{ledger.size - before} of {len(messages)} entries were admitted")
        return took
    finally:
        ledger.close()


def packed(url: str, folder: Path, key: Ed25519PrivateKey) -> dict[str, int]:
    """The bytes of each file that `metertrail ledger pack` makes of the ledger's entries, by name."""
    opened = database.engine(url)
    source = pack.Ledger(evidence.SITE, key.public_key(), Database(opened))
    sizes: Counter[str] = Counter()
    for _, index in pack.pack(source, folder, time.time_ns() + 2 * DAY_NS):
        sizes.update({name: file.bytes for name, file in index.files.items()})
    opened.dispose()
    return sizes


def forwarded(port: int, pid: int, messages: Sequence[bytes]) -> Took:
    """Have the broker pass every message on, QoS 1 on both sides. Raises RuntimeError if some never come."""
    left, done = [len(messages)], threading.Event()
    ready = threading.Event()

    def on_message(*_: object) -> None:
        left[0] -= 1
        if not left[0]:
            done.set()

    reader, writer = (mqtt.Client(CallbackAPIVersion.VERSION2) for _ in range(2))
    reader.on_message, reader.on_subscribe = on_message, lambda *_: ready.set()
    for client in (reader, writer):
        client.connect("127.0.0.1", port)
        client.loop_start()
    reader.subscribe(format_topic(TOPIC), qos=1)
    ready.wait(FORWARDED_S)
    wall_s, busy_s = time.perf_counter(), cpu_s(pid)
    for data in messages:
        writer.publish(format_topic(TOPIC), data, qos=1)
    came = done.wait(FORWARDED_S)
    took = Took(time.perf_counter() - wall_s, cpu_s(pid) - busy_s)
    for client in (reader, writer):
        client.disconnect()
        client.loop_stop()
    if not came:
        raise RuntimeError(f"{left[0]} of {len(messages)} messages never came")
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="simulators.bench.admission")
    parser.add_argument("--meters", type=int, default=100)
    parser.add_argument("--scans", type=int, default=60, help="of each meter, in one entry")
    parser.add_argument("--entries", type=int, default=1000)
    given = parser.parse_args()
    key, ledger_key = keys.generate(), Ed25519PrivateKey.generate()
    read = evidence.readings(given.meters, given.scans * given.entries, seed=1)
    messages = list(evidence.messages(read, given.scans, key))
    say = sys.stdout.write
    size = sum(map(len, messages))
    say(
        f"{given.entries} entries of {given.meters} meters x {given.scans} scans x 2 points: {size / 1e6:.1f} MB sent\n"
    )

    def tell(name: str, took: Took) -> None:
        rates = len(messages) / took.wall_s, read.count / took.wall_s / 1e6
        busy = f"{len(messages) / took.cpu_s:7.0f} a second of processor" if took.cpu_s else ""
        say(f"  {name:<28} {rates[0]:7.0f} entries/s {rates[1]:6.1f} M readings/s  {busy}\n")

    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(5)]
        file = folders[0] / "ledger.sqlite"
        kept = admitted(sqlite_url(file), folders[0], ledger_key, key.public_key(), messages)
        tell("admitted, SQLite", kept)
        url = stack.enter_context(servers.postgresql(folders[1]))
        if url is None:
            say("  PostgreSQL is not installed: not compared\n")
        else:
            tell("admitted, PostgreSQL", admitted(url, folders[1], ledger_key, key.public_key(), messages))
        broker = stack.enter_context(servers.mosquitto(folders[2]))
        if broker is None:
            say("  mosquitto is not installed: not compared\n")
        else:
            passed = forwarded(*broker, messages)
            tell("forwarded, mosquitto", passed)
            say(f"  admission and commit take {kept.wall_s / passed.wall_s:.2f} of the time of forwarding\n")
        say("bytes a reading, all times included\n")
        say(f"  {'on the wire':<28} {size / read.count:5.2f}\n")
        say(f"  {'the ledger, SQLite':<28} {file.stat().st_size / read.count:5.2f}\n")
        archived = packed(sqlite_url(file), folders[4], ledger_key)
        say(f"  {'packs, verbatim':<28} {archived[ENTRIES] / read.count:5.2f}\n")
        say(f"  {'packs, their Parquet':<28} {archived.get(READINGS, 0) / read.count:5.2f}\n")
        for name, stored in stores.sizes(read, folders[3]):
            say(f"  {name:<28} {stored / read.count:5.2f}\n" if stored else f"  {name}: not compared\n")


if __name__ == "__main__":
    main()
