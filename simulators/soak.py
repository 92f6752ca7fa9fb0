"""`python -m simulators.soak --hours 24`: an agent and its gateway for a day of virtual time, 13 h of it without line.

In: hours, when and how long the line is gone, its bit rate. Out: figures of every hour, and exit status 1 if memory or
descriptors grow, if anything is lost, doubled or out of order, or if a live message came more than 5 s late. Journal,
recorder, publisher, ledger and sequencer are the product's; the broker is `simulators.ordeal`'s in calm weather, behind
a line that sends one thing after another. Never: a thread, a socket, or a reading kept in memory.
"""

import argparse
import gc
import logging
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from heapq import heappush
from pathlib import Path
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.drivers import Scan
from agent.journal import Journal
from contract import body, entry, segment
from gateway.database import sqlite_url
from gateway.ledger import Ledger
from simulators import footprint
from simulators.footprint import Held
from simulators.ordeal import hall, plant
from simulators.ordeal.broker import CALM, Broker, Told
from simulators.ordeal.disk import Disk
from simulators.ordeal.edge import Edge
from simulators.ordeal.hall import Hall
from simulators.ordeal.plant import SITE, T0, S
from simulators.ordeal.truth import Truth
from simulators.ordeal.world import in_one_thread

AGENT = "edge-1"
HOUR_S = 3600
SEAL_S = 60
TENTHS = 10  # looks a second while the agent catches up; each second has one otherwise
LIVE_LATE_MOST_S = 5
WARM_HOURS = 3  # by then a day's caches are filled
GROWTH_PERCENT = 5
LIVE: dict[str, object] = {"meters": [{"meter": f"meter-{n:03}", "values": {"power_w_milli": n}} for n in range(100)]}


class Forgetful(Truth):
    """Counts what is read, and keeps nothing: memory is what is under trial."""

    scans: int = 0

    def reads(self, agent: str, scans: Iterable[tuple[str, Scan]]) -> None:
        """Counted when it is durable."""

    def recorded(self, agent: str, scans: Iterable[tuple[str, Scan]]) -> None:
        """One more round is on disk."""
        Forgetful.scans += agent == AGENT and bool(list(scans))


@dataclass(slots=True)
class Narrow(Broker):
    """A broker behind an uplink of so many bits a second, which sends first what was given first."""

    bits_per_s: int = 1_000_000
    free_ns: int = 0
    live_late_ns: list[int] = field(default_factory=lambda: [0])
    bytes_sent: int = 0

    def publish(self, topic: str, payload: bytes, qos: int, *, retain: bool = False) -> None:  # noqa: ARG002 - the broker's own
        """Take a message in; receipts come down another line, which is wide."""
        up = not topic.endswith("/receipts")
        at_ns = self.now_ns
        if up:
            self.free_ns = max(self.free_ns, at_ns) + len(payload) * 8 * S // self.bits_per_s
            self.bytes_sent += len(payload)
            at_ns = self.free_ns
        if topic.endswith("/live"):
            self.live_late_ns[0] = max(self.live_late_ns[0], at_ns - self.now_ns)
            return
        heappush(self._due, (at_ns, next(self._number), Told(topic, payload), retain))


@dataclass(slots=True)
class Soak:
    """One agent, its line, its gateway. `outage` is from which second to which."""

    folder: Path
    outage: tuple[int, int]
    bits_per_s: int
    now_ns: int = T0
    held: list[Held] = field(default_factory=list)
    backlog: int = 0
    caught_up_s: int = 0
    broker: Narrow = field(init=False)
    edge: Edge = field(init=False)
    hall: Hall = field(init=False)

    def __post_init__(self) -> None:
        luck, truth = Random("soak"), Forgetful()
        own = {name: Ed25519PrivateKey.from_private_bytes(luck.randbytes(32)) for name in ("gateway", "ledger")}
        key = Ed25519PrivateKey.from_private_bytes(luck.randbytes(32))
        hall.write(self.folder / "gateway", own, {AGENT: key.public_key()})
        self.broker = Narrow(luck, CALM, bits_per_s=self.bits_per_s)
        self.hall = Hall(self.folder / "gateway", self._disk("gateway"), self.broker, truth)
        made = plant.plan(self.folder / AGENT, AGENT)
        slower = made.config.agent.model_copy(update={"seal_s": SEAL_S})
        made = replace(made, config=made.config.model_copy(update={"agent": slower}))
        line = plant.Line(AGENT, luck, T0 + 40 * HOUR_S * S)
        public = own["gateway"].public_key()
        self.edge = Edge(AGENT, made, key, public, line, self._disk(AGENT), self.broker, truth, luck)

    def _disk(self, name: str) -> Disk:
        folder = self.folder / name / "disk"
        folder.mkdir(parents=True)
        return Disk(folder, Random(name))

    async def run(self, hours: int) -> None:
        """Let it all pass, printing a line an hour; then deliver what is left."""
        self.broker.turn(self.now_ns)
        await self.hall.start(self.now_ns)
        await self.edge.start(self.now_ns)
        _say("hour  memory KiB  descriptors  undelivered  sent KiB  live late s")
        for second in range(1, hours * HOUR_S + 1):
            self._line(second)
            await self._second()
            if second % HOUR_S == 0:
                self._note(second // HOUR_S)
        self.edge.seal(self.now_ns)
        for _ in range(HOUR_S):
            if not self.edge.undelivered():
                break
            await self._look(S)

    def _line(self, second: int) -> None:
        """The line goes, and comes back."""
        from_s, to_s = self.outage
        if second == from_s:
            self.broker.drop(AGENT, T0 + to_s * S)
        if second == to_s:
            self.backlog = self.edge.undelivered()
        if self.backlog and second > to_s and not self.caught_up_s and not self.edge.undelivered():
            self.caught_up_s = second - to_s

    async def _second(self) -> None:
        """One reading; while there is much to send, ten looks."""
        self.now_ns += S
        self.broker.turn(self.now_ns)
        await self.edge.round(self.now_ns)
        self.edge.show(LIVE)
        await self.hall.round(self.now_ns)
        if self.backlog and not self.caught_up_s:
            for _ in range(TENTHS - 1):
                self.now_ns += S // TENTHS
                await self._look(0)
            self.now_ns -= S // TENTHS * (TENTHS - 1)

    async def _look(self, length_ns: int) -> None:
        self.now_ns += length_ns
        self.broker.turn(self.now_ns)
        await self.edge.send(self.now_ns)
        await self.hall.round(self.now_ns)

    def _note(self, hour: int) -> None:
        gc.collect()
        now = footprint.of(os.getpid())
        self.held += [] if now is None else [now]
        late_s = self.broker.live_late_ns[0] / S
        rss, descriptors = (now.rss_kib, now.descriptors) if now else (0, 0)
        sent, left = self.broker.bytes_sent // 1024, self.edge.undelivered()
        _say(f"{hour:4}  {rss:10}  {descriptors:11}  {left:11}  {sent:8}  {late_s:11.2f}")

    def breaches(self) -> Iterator[str]:
        """Everything that did not hold, from the files both sides leave behind."""
        self.edge.die(self.now_ns)
        self.hall.die(self.now_ns)
        if self.broker.live_late_ns[0] > LIVE_LATE_MOST_S * S:
            yield f"a live message came {self.broker.live_late_ns[0] / S:.1f} s late"
        yield from _grown(self.held)
        journal = Journal(self.edge.data)
        ledger = Ledger.open(sqlite_url(self.folder / "gateway" / "disk" / "data" / "ledger.sqlite"), SITE)
        yield from _differences(journal, ledger)
        yield from _readings(ledger, Forgetful.scans)
        with suppress(Exception):
            journal.close()
        ledger.close()


def _grown(held: list[Held]) -> Iterator[str]:
    """What is held at the end against what was held when the first hours were over."""
    if len(held) <= WARM_HOURS:
        return
    warm, last = held[WARM_HOURS - 1], held[-1]
    if 100 * last.rss_kib > (100 + GROWTH_PERCENT) * warm.rss_kib:
        yield f"memory grew from {warm.rss_kib} to {last.rss_kib} KiB, more than {GROWTH_PERCENT} %"
    if last.descriptors > warm.descriptors:
        yield f"descriptors grew from {warm.descriptors} to {last.descriptors}"


def _differences(journal: Journal, ledger: Ledger) -> Iterator[str]:
    """The ledger's entries of the agent must be the journal's, each once and in its order."""
    reached: dict[bytes, int] = {}
    count = 0
    for one in (one for one in ledger.entries() if one.author == AGENT):
        found = journal.after(reached, 1)
        if not found or found[0].sealed.hash != one.hash:
            yield f"entry {one.index} of the ledger is not the next of the journal"
            return
        reached[found[0].epoch] = found[0].seq
        count += 1
    if journal.after(reached, 1):
        yield "the journal has entries that the ledger lacks"
    _say(f"{count} entries of the agent in the ledger, in order, each once")


def _readings(ledger: Ledger, rounds: int) -> Iterator[str]:
    """Every second must have its reading, by its own time and in order."""
    last_ns, seen = T0, 0
    for one in ledger.select(("segment",), -(2**63), 2**63 - 1, AGENT):
        parts = [part for part in body.unpack(one.body).parts if part is not None]
        header = entry.read(one.signed).header
        for made in (made for made in map(segment.decode, parts) if made.meter == "press"):
            for at_ns in (at_ns for block in made.blocks for at_ns in block.requested_ns):
                if at_ns != last_ns + S:
                    yield f"entry {header.seq}: a reading of {at_ns} follows one of {last_ns}"
                last_ns, seen = at_ns, seen + 1
    if seen != rounds:
        yield f"{rounds} rounds were recorded, {seen} are in the ledger"
    _say(f"{seen} of {rounds} readings in the ledger, one a second, in order of their own times")


def main(argv: list[str]) -> int:
    """Print figures and breaches; 0 if there are none."""
    parser = argparse.ArgumentParser(prog="python -m simulators.soak", description="A day in virtual time.")
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--outage-from-s", type=int, default=5 * HOUR_S)
    parser.add_argument("--outage-s", type=int, default=13 * HOUR_S)
    parser.add_argument("--bits-per-s", type=int, default=1_000_000)
    given = parser.parse_args(argv)
    logging.disable(logging.WARNING)
    Forgetful.scans = 0
    memory = Path("/dev/shm")  # noqa: S108 # a disk that costs no time
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        outage = given.outage_from_s, given.outage_from_s + given.outage_s
        soak = Soak(Path(folder), outage, given.bits_per_s)
        in_one_thread(soak.run(given.hours))
        _say(f"outage of {given.outage_s} s: {soak.backlog} entries waited; delivered {soak.caught_up_s} s after it")
        found = list(soak.breaches())
    for breach in found:
        _say(f"BREACH {breach}")
    return 1 if found or not soak.caught_up_s else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
