"""`python -m simulators.slow_line`: an agent makes up an outage over a real TCP line of few bits a second.

In: how many entries wait, how large they are, the line's rate. Out: figures, and exit status 1 if an entry is lost or
out of order, or what a page shows was ever older than 5 s. Journal, publisher, ingest and ledger are the product's; the
broker is mosquitto where it is installed, else our own. Never: more than the line's own few packets kept by the line.
"""

import argparse
import asyncio
import json
import logging
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt.enums import CallbackAPIVersion

from agent import config, custody
from agent.journal import Journal, Stored
from agent.publish import Publisher, make_client
from contract import keys, records
from contract.entry import Clock
from contract.writer import Circumstances, Span, Writer, write
from gateway.broker import BoundedBroker
from gateway.database import sqlite_url
from gateway.ingest import Ingest, Listeners
from gateway.ledger import Ledger
from gateway.sequencer import Sequencer
from simulators import footprint
from simulators.demo import free_ports

SITE, AGENT = "works", "edge-1"
NS = 1_000_000_000
SHOWN_MOST_S = 5
LIMIT_S = 1800
LIVE_EVERY_S = 1.0
CLOCK = Clock(synchronised=None, error_ns=None, boot=None, monotonic_ns=None)
PIECE = 1400  # what a packet of such a line carries
WAITING = 8192  # bytes that wait before the line at most
MOSQUITTO = "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\npersistence false\n"
LIVE = {"meters": [{"meter": f"meter-{n:03}", "values": {"power_w_milli": n}} for n in range(100)]}  # some 5 kB


class Narrow:
    """A TCP line from a port of its own to another: so many bits a second up, any number down."""

    def __init__(self, to_port: int, bits_per_s: int) -> None:
        self._to_port, self._bits_per_s = to_port, bits_per_s
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WAITING)  # or the kernel takes megabytes
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._listener.accept()
                theirs = socket.create_connection(("127.0.0.1", self._to_port))
                for one, other, rate in ((ours, theirs, self._bits_per_s), (theirs, ours, None)):
                    threading.Thread(target=_carry, args=(one, other, rate), daemon=True).start()


def _carry(one: socket.socket, other: socket.socket, bits_per_s: int | None) -> None:
    """Carry bytes until either end closes; both close then."""
    free = time.monotonic()
    with suppress(OSError):
        while piece := one.recv(PIECE):
            if bits_per_s is not None:
                free = max(free, time.monotonic()) + len(piece) * 8 / bits_per_s
                time.sleep(max(0.0, free - time.monotonic()))
            other.sendall(piece)
    for end in (one, other):
        end.close()


@dataclass(slots=True)
class Gateway:
    """The real ingest over a ledger of its own. `shown_ns`: how old what a page shows had become at each message."""

    folder: Path
    key: Ed25519PrivateKey
    shown_ns: list[int] = field(default_factory=list)
    last_ns: int = 0
    failed: list[Exception] = field(default_factory=list)

    @contextmanager
    def running(self, port: int, agent: keys.PublicKey) -> Iterator[Ledger]:
        """Listen on a broker's port."""
        ledger = Ledger.open(sqlite_url(self.folder / "ledger.sqlite"), SITE, Ed25519PrivateKey.generate())
        sequencer = Sequencer(ledger, self.key, time.time_ns, lambda *_: None)
        first = records.Author(parent=None, reason="start", software="", config_hash=bytes(32), started_ns=0)
        sequencer.seal("manifest", [records.write(first)])
        key_id = keys.thumbprint(agent)
        enrolled = records.EnrolmentPart(author=AGENT, key=keys.cose_key(agent), key_id=key_id)
        sequencer.seal("enrolment", [records.write(enrolled)])
        tell = Listeners(self._on_live, lambda *_: None, lambda _: None, self.failed.append)
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="gateway", clean_session=False, manual_ack=True)
        ingest = Ingest(client, SITE, sequencer, tell, time.time_ns)
        ingest.start("127.0.0.1", port)
        yield ledger
        ingest.stop()
        ledger.close()

    def _on_live(self, _agent: str, payload: bytes, at_ns: int) -> None:
        if self.last_ns:
            self.shown_ns.append(at_ns - self.last_ns)
        self.last_ns = json.loads(payload)["at_ns"]


def waiting(journal: Journal, key: Ed25519PrivateKey, count: int, size: int) -> None:
    """Seal entries that no compression makes smaller, as an agent does through an outage."""
    writer = Writer(SITE, AGENT, key, secrets.token_bytes(16))
    first = records.Author(parent=None, reason="first start", software="", config_hash=bytes(32), started_ns=0)
    for number in range(count):
        said = records.EventPart(event="noise", about="", at_ns=number, detail={"bytes": secrets.token_bytes(size)})
        kind, part = ("event", said) if number else ("manifest", first)
        now = Circumstances(number, CLOCK, None, secrets.token_bytes(32))
        writer, header, sealed = write(writer, kind, [records.write(part)], Span(number, number), now)
        journal.seal([Stored(sealed, header.epoch, header.seq, header.type, number, number)], 0, number)


async def deliver(journal: Journal, gateway: Gateway, key: Ed25519PrivateKey, ports: tuple[int, int]) -> list[str]:
    """Deliver everything, showing what is live meanwhile: what did not hold. `ports`: the line's, the broker's."""
    with gateway.running(ports[1], key.public_key()) as ledger:
        settings = config.Mqtt(host="127.0.0.1", username=AGENT, tls=False)
        client = make_client(settings, AGENT, custody.Credentials(key, (gateway.key.public_key(),), "word", None))
        publisher = Publisher(client, (SITE, AGENT), (gateway.key.public_key(),), journal)
        publisher.start("127.0.0.1", ports[0])
        sending = asyncio.create_task(publisher.run(time.time_ns))
        sealed = await asyncio.to_thread(journal.after, {}, 1 << 20)
        until = time.monotonic() + LIMIT_S
        while journal.delivered().get(sealed[-1].epoch, -1) < sealed[-1].seq and time.monotonic() < until:
            publisher.live({**LIVE, "at_ns": time.time_ns()})
            await asyncio.sleep(LIVE_EVERY_S)
        sending.cancel()
        await asyncio.to_thread(publisher.stop)
        admitted = [one.hash for one in ledger.entries() if one.author == AGENT]
    problems = [f"the gateway failed: {error}" for error in gateway.failed]
    if admitted != [one.sealed.hash for one in sealed]:
        problems.append(f"{len(sealed)} entries were sealed, and the ledger has {len(admitted)}, or in another order")
    return problems


@asynccontextmanager
async def a_broker(folder: Path) -> AsyncIterator[tuple[str, int]]:
    """A broker that lets anyone in: its name and port."""
    (port,) = free_ports(1)
    program = shutil.which("mosquitto")
    if program is None:
        listener = {"type": "tcp", "bind": f"127.0.0.1:{port}"}
        anyone = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
        own = BoundedBroker({"listeners": {"default": listener}, "plugins": anyone})
        await own.start()
        yield "our own broker", port
        await own.shutdown()
        return
    path = folder / "mosquitto.conf"
    path.write_text(MOSQUITTO.format(port=port))
    process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own arguments; it is started once
        [program, "-c", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    await asyncio.sleep(0.5)
    yield "mosquitto", port
    process.kill()
    process.wait()


async def run(count: int, size: int, bits_per_s: int) -> tuple[list[str], Sequence[int]]:
    """One delivery: what did not hold, and how old what a page shows became, ns. Prints its figures."""
    with tempfile.TemporaryDirectory() as folder:
        key, gateway = Ed25519PrivateKey.generate(), Gateway(Path(folder), Ed25519PrivateKey.generate())
        journal = Journal(Path(folder) / "data")
        waiting(journal, key, count, size)
        before = footprint.of(os.getpid())
        async with a_broker(Path(folder)) as (name, port):
            line = Narrow(port, bits_per_s)
            began = time.monotonic()
            problems = await deliver(journal, gateway, key, (line.port, port))
            took_s = time.monotonic() - began
            line.close()
        after = footprint.of(os.getpid())
        journal.close()
    grew = (after.rss_kib - before.rss_kib) // 1024 if before and after else 0
    alone_s = count * size * 8 / bits_per_s
    old_s = max(gateway.shown_ns, default=0) / NS
    sys.stdout.write(
        f"{count} entries of {size} B over {bits_per_s} bit/s by {name}: {took_s:.1f} s, the line alone"
        f" {alone_s:.1f} s; {len(gateway.shown_ns)} live messages, pages at most {old_s:.2f} s old; memory +{grew} MB\n"
    )
    return problems, gateway.shown_ns


def main(argv: list[str]) -> int:
    """Print figures and breaches; 0 if there are none."""
    parser = argparse.ArgumentParser(prog="python -m simulators.slow_line", description="Make up an outage, slowly.")
    parser.add_argument("--entries", type=int, default=200)
    parser.add_argument("--bytes", type=int, default=60_000)
    parser.add_argument("--bits-per-s", type=int, default=2_000_000)
    given = parser.parse_args(argv)
    logging.disable(logging.WARNING)
    problems, shown_ns = asyncio.run(run(given.entries, given.bytes, given.bits_per_s))
    if not shown_ns or max(shown_ns) > SHOWN_MOST_S * NS:
        old_s = max(shown_ns, default=0) / NS
        problems.append(f"live messages: {len(shown_ns)} came, and what a page shows was up to {old_s:.1f} s old")
    sys.stdout.write("".join(f"BREACH {problem}\n" for problem in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
