"""A small plant without sockets for tests of the agent: a press with a meter and a controller, read by the number.

Time is a count of rounds; round k is read at T0 + k seconds. Every register is a known function of k, so what a batch
must hold can be worked out by hand. `Site` runs a recorder over it and reads back what the journal holds, with the
contract and the replay alone.
"""

import shutil
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from agent import check, closing
from agent.batches import Ended, Running, Source
from agent.drivers import BAD_TIMEOUT, Reading, Scan
from agent.journal import Journal, Stored
from agent.manifest import Stated, read
from agent.recorder import Recorder, Settings
from contract import chain, cose, entry, keys, records, segment
from contract.entry import Clock
from contract.problems import Problems
from contract.writer import Writer

S = 1_000_000_000
T0 = 1_700_000_000 * S
TRIP_NS = 12_345_678  # no whole number of ticks
CLOCK = Clock(synchronised=None, error_ns=None, boot=None, monotonic_ns=None)
KEY = keys.generate()
SITE = "works"

METER_PROFILE = """make = "Test"
model = "meter"
medium = "electricity"
grade = "bronze"
sources = ["made up"]
[[point]]
id = "power"
quantity = "active_power"
table = "input"
address = 0
type = "uint16"
unit = "W"
kind = "gauge"
[[point]]
id = "energy"
quantity = "active_energy_import"
table = "input"
address = 8
type = "uint32"
unit = "Wh"
kind = "counter"
age_ms = 500
"""
PLC_PROFILE = """make = "Test"
model = "controller"
medium = "production"
grade = "bronze"
sources = ["made up"]
[[point]]
id = "batch_id"
quantity = "batch"
node = "ns=1;s=batch"
type = "text"
unit = "1"
kind = "gauge"
[[point]]
id = "product"
quantity = "product"
node = "ns=1;s=product"
type = "text"
unit = "1"
kind = "gauge"
[[point]]
id = "running"
quantity = "state"
node = "ns=1;s=running"
type = "bool"
unit = "1"
kind = "gauge"
[[point]]
id = "produced"
quantity = "mass"
node = "ns=1;s=produced"
type = "uint32"
unit = "kg"
kind = "counter"
age_ms = 10
"""
CONFIG = """[agent]
site = "works"
name = "edge-1"
data = "data"
key = "edge-1.pem"
gateway_key = "gateway.pub.pem"
seal_s = 5
close_wait_s = 10
[mqtt]
host = "127.0.0.1"
username = "edge-1"
password_file = "edge-1.password"
[[bus]]
name = "serial"
driver = "modbus"
kind = "tcp"
host = "127.0.0.1"
[[bus]]
name = "plc"
driver = "opcua"
url = "opc.tcp://127.0.0.1:4840/"
[[meter]]
name = "press"
bus = "serial"
profile = "./meter.toml"
installation = "1"
[[meter]]
name = "press-plc"
bus = "plc"
profile = "./plc.toml"
[[line]]
name = "press"
source = "press-plc"
energy = ["press.energy"]
good = "press-plc.produced"
"""


def write_plant(folder: Path, config: str = CONFIG) -> Path:
    """Write the configuration and its profiles; the configuration's path."""
    (folder / "meter.toml").write_text(METER_PROFILE)
    (folder / "plc.toml").write_text(PLC_PROFILE)
    path = folder / "agent.toml"
    path.write_text(config)
    return path


def problems(folder: Path, config: str, plc: str = PLC_PROFILE) -> list[str]:
    """What `agent check` says is wrong, without the file's name that must begin every line."""
    path = write_plant(folder, config)
    (folder / "plc.toml").write_text(plc)
    with pytest.raises(Problems) as raised:
        check.load(path, T0)
    assert all(line.startswith(f"{path}: ") and "\n" not in line for line in raised.value.lines)
    return [line.removeprefix(f"{path}: ") for line in raised.value.lines]


def assert_told(folder: Path, old: str, new: str, told: tuple[str, str, str]) -> None:
    """One mistake in the configuration must give a line of key, problem and hint."""
    config = CONFIG.replace('bus = "serial"', 'bus = "serial"\nevery_ms = 1000')
    assert old in config
    lines = problems(folder, config.replace(old, new, 1))
    key, problem, hint = told
    found = [line for line in lines if line.startswith(f"{key}: ")]
    assert found, lines
    assert problem in found[0]
    assert hint in found[0]
    assert len(found[0].split(": ")) >= 3


def at_ns(k: int) -> int:
    return T0 + k * S


def energy(k: int) -> int:
    """What the meter's counter shows in round k, Wh."""
    return 70_000 + 7 * k


def meter_scan(k: int, *, status: int = 0) -> tuple[str, Scan]:
    values = (("power", 300), ("energy", energy(k)))
    readings = tuple(Reading(point, None if status else raw, status) for point, raw in values)
    return "press", Scan(0, at_ns(k), at_ns(k) + TRIP_NS, readings)


def plc_scan(k: int, batch: str | None, product: str = "coil") -> tuple[str, Scan]:
    readings = (
        Reading("batch_id", None, 0, at_ns(k), batch or ""),
        Reading("product", None, 0, at_ns(k), product),
        Reading("running", int(batch is not None), 0, at_ns(k)),
        Reading("produced", 1000 + 3 * k, 0, at_ns(k)),
    )
    return "press-plc", Scan(0, at_ns(k) + S // 2, at_ns(k) + S // 2 + TRIP_NS, readings)


def round_of(k: int, batch: str | None, *, meter: bool = True, plc: bool = True) -> list[tuple[str, Scan]]:
    """All that is read in round k; a meter that is not there gives Bad statuses, a controller nothing."""
    scans = [meter_scan(k) if meter else meter_scan(k, status=BAD_TIMEOUT)]
    return [*scans, plc_scan(k, batch)] if plc else scans


@dataclass
class Site:
    """An agent without sockets. `start` may be called again: that is a restart. A `copy` starts on its own folder."""

    folder: Path
    plan: check.Plan
    epochs: count = field(default_factory=lambda: count(1))
    journal: Journal | None = None
    recorder: Recorder | None = None
    key: keys.PrivateKey = KEY

    @classmethod
    def at(cls, folder: Path, config: str = CONFIG) -> "Site":
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder / "data", check.load(write_plant(folder, config), T0))

    def copy(self, folder: Path) -> "Site":
        """What is on disk now, elsewhere: all that a killed process leaves. Shared memory does not survive."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("*-shm"))
        return Site(folder, self.plan, count(next(self.epochs) * 1000))

    def start(self, k: int) -> Recorder:
        self.journal = Journal(self.folder)
        return self.open(self.journal, k)

    def open(self, journal: Journal, k: int) -> Recorder:
        fresh = (number.to_bytes(32, "big") for number in self.epochs)
        config = self.plan.config
        settings = Settings(self.plan.meters, config.line, bytes(32), 5 * S, 10 * S, config.calendar)
        writer = Writer(SITE, "edge-1", self.key, next(fresh)[16:])
        self.recorder = Recorder(journal, writer, settings, lambda: CLOCK, lambda size: next(fresh)[-size:])
        self.recorder.open(at_ns(k))
        return self.recorder

    def read_rounds(self, rounds: dict[int, str | None]) -> None:
        for k, batch in rounds.items():
            self.take(k, round_of(k, batch))

    def take(self, k: int, scans: list[tuple[str, Scan]]) -> None:
        points = {p.id: p for plan in self.plan.meters if plan.meter.name == "press-plc" for p in plan.profile.points}
        self.recorder.take(scans, [], {"press": Source(0, None, points)}, at_ns(k) + S * 9 // 10)

    def stop(self) -> None:
        self.journal.close()

    def entries(self) -> list[Stored]:
        """Everything sealed, in order."""
        return self.journal.after({}, 1 << 30)

    def history(self) -> "History":
        return History.of(self.entries())


@dataclass
class History:
    """What a chain of entries says, read with the contract alone, every signature, link and body checked."""

    entries: list[Stored]
    parts: list[list[bytes]]
    reasons: list[str]
    in_force: list[Stated | None]

    @classmethod
    def of(cls, entries: list[Stored]) -> "History":
        heads: dict[bytes, chain.Head] = {}
        last, stated, made = None, {}, cls(entries, [], [], [])
        for stored in entries:
            read_entry = entry.read(stored.sealed.signed)
            header = read_entry.header
            assert cose.verify(read_entry.container, KEY.public_key(), "entry", SITE) == stored.sealed.hash
            assert chain.break_before(heads.get(header.epoch), header) is None
            parts = list(entry.check_body(header, stored.sealed.body).parts)
            if header.type == "manifest":
                author = records.read(parts[0], records.Author)
                parent = author.parent and chain.Head(author.parent.epoch, author.parent.seq, author.parent.hash)
                assert header.seq > 0 or parent == last, "an epoch must follow the last entry of the one before"
                made.reasons.append(author.reason)
                stated[header.epoch] = read(parts[1:])
            heads[header.epoch] = last = chain.Head(header.epoch, header.seq, stored.sealed.hash)
            made.parts.append(parts)
            made.in_force.append(stated.get(header.epoch))
        return made

    def of_type(self, kind: str) -> list[list[bytes]]:
        return [parts for stored, parts in zip(self.entries, self.parts, strict=True) if stored.type == kind]

    def requests(self) -> Counter:
        """How often each (meter, request time) was sealed."""
        return Counter(
            (made.meter, requested)
            for parts in self.of_type("segment")
            for made in map(segment.decode, parts)
            for block in made.blocks
            for requested in block.requested_ns
        )

    def events(self) -> list[records.EventPart]:
        return [records.read(part, records.EventPart) for parts in self.of_type("event") for part in parts]

    def batches(self) -> list[tuple[records.BatchPart, list[records.AmountPart]]]:
        return [
            (records.read(parts[0], records.BatchPart), [records.read(part, records.AmountPart) for part in parts[1:]])
            for parts in self.of_type("batch")
        ]

    def assert_batches_follow(self) -> int:
        """Make every batch entry again from the entries before it alone; how many there were."""
        checked = 0
        for index, stored in enumerate(self.entries):
            if stored.type != "batch":
                continue
            stated = self.in_force[index]
            alike: dict[str, list[segment.MeterSegment]] = {}
            for before in range(index):
                if self.entries[before].type == "segment":
                    for made in map(segment.decode, self.parts[before]):
                        if described(self.in_force[before], made.meter) == described(stated, made.meter):
                            alike.setdefault(made.meter, []).append(made)
            head = records.read(self.parts[index][0], records.BatchPart)
            lots = (None if side is None else tuple(side) for side in (head.inputs, head.outputs))
            beside = tuple(head.beside or ())
            ended = Ended(Running(head.batch, head.product, head.start, *lots), head.end, beside=beside)
            complete = head.closed == "complete"
            again = closing.parts(stated.lines[head.line], ended, stated.counters, alike, complete=complete)
            assert again == self.parts[index], f"{head.batch} does not follow from the chain before it"
            checked += 1
        return checked


def described(stated, meter):
    """What a manifest says of a meter's counters."""
    return {place: counter for place, counter in stated.counters.items() if place[0] == meter}
