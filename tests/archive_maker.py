"""A small factory's whole trail in memory, and the archive that holds it; tests bend it in every way.

One agent with a line meter, a scale, a compressor and its flow meter, read every 10 s for 20 minutes over two epochs;
two batches; a gateway that enrols it, and records one statement. All counters rise by known steps, so that what a batch
must hold can be worked out by hand.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent import closing
from agent.aggregation import replay
from agent.aggregation.edges import edge
from agent.batches import Ended, Running
from agent.drivers import profile as profiles
from contract import cbor, checkpoint, entry, keys, merkle, receipt, records, segment
from contract.archive import pack
from contract.chain import Head
from contract.entry import Clock, TreeHead
from contract.writer import Circumstances, Span, Writer, write
from gateway import attribution, factors, site_model
from verifier import archive, trust
from verifier.verify import verify

SITE, AGENT, GATEWAY = "works", "edge-1", "gateway"
S = 1_000_000_000
T0 = 1_700_000_000 * S
STEP_NS, TRIP_NS, READINGS, PER_SEGMENT = 10 * S, 20_000_000, 120, 6
FROM_NS, TO_NS = T0 + 60 * S, T0 + 1100 * S
BATCHES = {"L1-0001": (13, 41), "L1-0002": (43, 81)}  # number of the first look that showed the batch, and its end
RESTART = 10  # segments before the agent's second epoch


def profile(name: str, points: str) -> bytes:
    return (
        f'make = "Test"\nmodel = "{name}"\nmedium = "test"\ngrade = "bronze"\nsources = ["made up"]\n{points}'.encode()
    )


def counter(point: str, quantity: str, unit: str, address: int) -> str:
    return (
        f'[[point]]\nid = "{point}"\nquantity = "{quantity}"\ntable = "input"\naddress = {address}\ntype = "uint32"\n'
        f'unit = "{unit}"\nkind = "counter"\nage_ms = 1000\n'
    )


ENERGY = profile("electricity", counter("energy_import", "active_energy_import", "Wh", 0))
SCALE = profile("scale", counter("good", "mass", "kg", 0))
AIR = profile("air", counter("consumption", "volume", "m3", 0))
METERS = {"line1": ENERGY, "scale1": SCALE, "comp1": ENERGY, "air1": AIR}
POINTS = {"line1": "energy_import", "scale1": "good", "comp1": "energy_import", "air1": "consumption"}
SHOWN = {  # what each register shows at reading k
    "line1": lambda k: 5000 + 7 * k,
    "scale1": lambda k: 100 + 3 * k,
    "comp1": lambda k: 900 + 2 * k,
    "air1": lambda k: 50 + k,
}
SITE_TOML = """
site = "works"
name = { en = "Works", zh = "工厂" }
zone = "+08:00"
period = "month"
factor = "grid"
[[line]]
id = "line1"
agent = "edge-1"
name = { en = "Line 1", zh = "一号线" }
[[product]]
id = "coil"
name = { en = "Coil", zh = "钢卷" }
unit = "t"
[[product]]
id = "plate"
name = { en = "Plate", zh = "钢板" }
unit = "t"
[[utility]]
id = "air"
name = { en = "Compressed air", zh = "压缩空气" }
electricity = { agent = "edge-1", meter = "comp1", point = "energy_import" }
volume = { agent = "edge-1", meter = "air1", point = "consumption" }
key = "nominal demand x running time"
demand_m3_per_min = { line1 = "3.36" }
""".encode()
FACTOR_TOML = b"""
[source]
title = "A figure for tests"
issuer = "Tests"
date = 2024-01-01
carrier = "tests"
[[factor]]
id = "grid"
kind = "electricity-footprint"
mix = "grid average"
value = "0.5"
unit = "kgCO2e/kWh"
region = "CN"
reference_period = "2023"
valid_from = 2024-01-01
gwp_set = "AR6"
tier = "public"
"""


CLOCK = Clock(synchronised=True, error_ns=12_345_678, boot=bytes(16), monotonic_ns=7)


def new_keys() -> dict[str, keys.PrivateKey]:
    return {AGENT: keys.generate(keys.ES256), GATEWAY: keys.generate(), "edge-2": keys.generate()}


@dataclass
class Factory:
    """Keys, the ledger so far as [signed, body], every author's writer, and the receipts."""

    private: dict[str, keys.PrivateKey] = field(default_factory=new_keys)
    ledger_key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    ledger: list[list[bytes]] = field(default_factory=list)
    writers: dict[str, Writer] = field(default_factory=dict)
    receipts: list[bytes] = field(default_factory=list)
    statement: bytes = b""
    seeds: int = 0
    clock: Clock = CLOCK

    def epoch(self, author: str, parts: list[bytes], at_ns: int, parent: Head | str | None = "last") -> None:
        """Begin an epoch, by default after the author's last entry."""
        before = self.writers.get(author)
        follows = (before.head if before else None) if parent == "last" else parent
        self.seeds += 1
        self.writers[author] = Writer(SITE, author, self.private[author], self.seeds.to_bytes(16, "big"))
        named = follows and records.Parent(epoch=follows.epoch, seq=follows.seq, hash=follows.hash)
        first = records.Author(parent=named, reason="start", software="tests", config_hash=bytes(32), started_ns=at_ns)
        self.add(author, "manifest", [records.write(first), *parts], at_ns, at_ns)

    def add(self, author: str, kind: str, parts: list[bytes], from_ns: int, to_ns: int) -> None:
        """Seal an author's next entry and admit it."""
        self.seeds += 1
        seen = self.head() if self.ledger else None
        now = Circumstances(to_ns, self.clock, seen, self.seeds.to_bytes(32, "big"))
        self.writers[author], _, sealed = write(self.writers[author], kind, parts, Span(from_ns, to_ns), now)
        self.ledger.append([sealed.signed, sealed.body])

    def head(self) -> TreeHead:
        """The ledger as it stands."""
        root = merkle.root([merkle.leaf_hash(signed) for signed, _ in self.ledger])
        return TreeHead(size=len(self.ledger), root=root)

    def issue(self, agent: str) -> None:
        """Add a receipt for everything an agent has sent."""
        head = self.writers[agent].head
        assert head is not None
        heads = [receipt.EpochHead(epoch=head.epoch, seq=head.seq, hash=head.hash)]
        said = receipt.Receipt(
            v=1, agent=agent, at_ns=TO_NS, heads=heads, wanted=[], refused=[], checkpoint=self.head()
        )
        self.receipts.append(receipt.sign(said, self.private[GATEWAY], SITE))

    def note(self) -> str:
        """The checkpoint, signed."""
        head = self.head()
        return checkpoint.sign(checkpoint.Checkpoint(f"metertrail/{SITE}", head.size, head.root), self.ledger_key)

    def members(self) -> dict[str, bytes]:
        """The archive's members."""
        return {
            "checkpoint.txt": self.note().encode(),
            "entries.cborseq": b"".join(cbor.encode([i, *pair]) for i, pair in enumerate(self.ledger)),
            "ledger.pem": keys.public_to_pem(self.ledger_key.public_key()),
            "receipts.cborseq": b"".join(cbor.encode(data) for data in self.receipts),
            "statement.json": self.statement,
        }

    def pack(self) -> bytes:
        """The archive."""
        return pack(self.members())

    def pack_with_note(self, note: str) -> bytes:
        """The archive under another checkpoint than the one its entries lead to."""
        return pack({**self.members(), "checkpoint.txt": note.encode()})

    def trust(self) -> bytes:
        """A trust file that knows every key of this factory."""
        lines = [f'ledger = "{keys.thumbprint(self.ledger_key.public_key()).hex()}"']
        for author in (AGENT, GATEWAY):
            lines += ["[[key]]", f'author = "{author}"']
            lines.append(f'thumbprint = "{keys.thumbprint(self.private[author].public_key()).hex()}"')
        return "\n".join(lines).encode()


def enrolment(author: str, key: keys.PrivateKey) -> bytes:
    public = key.public_key()
    return records.write(
        records.EnrolmentPart(author=author, key=keys.cose_key(public), key_id=keys.thumbprint(public))
    )


def manifest_parts() -> list[bytes]:
    """Profiles, meters and the one line."""
    files = {profiles.profile_hash(toml): toml for toml in METERS.values()}
    made: list[bytes] = [records.write(records.ProfilePart(name="test", toml=toml)) for toml in files.values()]
    for meter, toml in METERS.items():
        part = records.MeterPart(
            meter=meter, installation="1", address="unit 1", base="0", profile=profiles.profile_hash(toml),
            serial="1", serial_is="declared", accuracy_class=None, ct=None, pt=None, certificate=None, declared=[],
            power_max_w=None,
        )  # fmt: skip
        made.append(records.write(part))
    line = records.LinePart(
        line="line1", source="plc", edge_time="observed", good=records.CounterRef(meter="scale1", point="good"),
        energy=[records.CounterRef(meter="line1", point="energy_import")], scrap=None,
    )  # fmt: skip
    return [*made, records.write(line)]


def meter_segment(meter: str, first: int, last: int) -> segment.MeterSegment:
    """Readings first..last-1 of a meter."""
    requested = tuple(T0 + k * STEP_NS for k in range(first, last))
    raws = tuple(SHOWN[meter](k) for k in range(first, last))
    column = segment.Column(POINTS[meter], raws, (0,) * len(raws))
    block = segment.Block(0, requested, tuple(at + TRIP_NS for at in requested), (column,))
    return segment.MeterSegment(meter, segment.TICK_NS, (block,))


def look(k: int) -> records.Seen:
    """A look at the batch source between readings k - 1 and k."""
    at = T0 + k * STEP_NS - 3 * S
    return records.Seen(requested_ns=at, answered_ns=at + TRIP_NS, source_ns=None)


def ended(name: str) -> Ended:
    first, last = BATCHES[name]
    start, end = (edge(look(k - 1), look(k), 0, None) for k in (first, last))
    return Ended(Running(name, "coil" if name == "L1-0001" else "plate", start), end)


def batch_parts(name: str) -> list[bytes]:
    """What the agent seals for a batch, from readings up to two segments after its end."""
    made = manifest_parts()
    line = next(records.read(p, records.LinePart) for p in made if records.kind_of(p) == "line")
    known = {meter: [meter_segment(meter, 0, BATCHES[name][1] + PER_SEGMENT)] for meter in METERS}
    return closing.parts(line, ended(name), replay.counters(made), known, complete=True)


def end_event(name: str) -> bytes:
    end = ended(name).end
    detail = {"batch": name, "edge": end.model_dump()}
    return records.write(records.EventPart(event="batch_ended", about="line1", at_ns=end.latest_ns, detail=detail))


def add_batch(made: Factory, name: str) -> None:
    one = ended(name)
    made.add(AGENT, "batch", batch_parts(name), one.running.start.earliest_ns, one.end.latest_ns)


def opened(made: Factory | None = None) -> Factory:
    """The gateway's first entries: itself, the agent, the site and the factor."""
    made = made or Factory()
    made.epoch(GATEWAY, [], T0)
    made.add(GATEWAY, "enrolment", [enrolment(GATEWAY, made.private[GATEWAY])], T0, T0)
    made.add(GATEWAY, "enrolment", [enrolment(AGENT, made.private[AGENT])], T0, T0)
    made.add(GATEWAY, "enrolment", [enrolment("edge-2", made.private["edge-2"])], T0, T0)
    made.add(GATEWAY, "site", [records.write(records.SitePart(toml=SITE_TOML))], T0, T0)
    made.add(GATEWAY, "factor", [records.write(records.FactorPart(toml=FACTOR_TOML))], T0, T0)
    return made


def produced(
    made: Factory,
    batches: tuple[str, ...] = ("L1-0001", "L1-0002"),
    parts: list[bytes] | None = None,
    between: Callable[[Factory], None] = lambda _: None,
) -> None:
    """The agent's two epochs, and what happens `between` them."""
    parts = manifest_parts() if parts is None else parts
    for number, first in enumerate(range(0, READINGS, PER_SEGMENT)):
        if number == RESTART:
            between(made)
        if number in {0, RESTART}:
            made.epoch(AGENT, parts, T0 + first * STEP_NS)
        last = first + PER_SEGMENT
        read = [segment.encode(meter_segment(meter, first, last)) for meter in METERS]
        made.add(AGENT, "segment", read, T0 + first * STEP_NS, T0 + (last - 1) * STEP_NS + TRIP_NS)
        for name, (_, end) in BATCHES.items():
            if first < end <= last:
                at = ended(name).end.latest_ns
                made.add(AGENT, "event", [end_event(name)], at, at)
            if name in batches and first - PER_SEGMENT < end <= first:
                add_batch(made, name)


def stated(
    made: Factory, batches: tuple[str, ...] = ("L1-0001", "L1-0002"), uses: tuple[int, int] = (208000, 104000000)
) -> None:
    """The receipt, the statement and the run entry. The utility's uses are worked out by hand: 104 readings apart."""
    made.issue(AGENT)
    known = [attribution.facts(AGENT, batch_parts(name)) for name in batches]
    whole = attribution.attribute(
        site_model.parse(SITE_TOML), factors.library([FACTOR_TOML]), known,
        [attribution.UtilityUse("air", *uses)], FROM_NS, TO_NS, provisional=False,
    )  # fmt: skip
    made.statement = attribution.canonical_json(whole)
    part = records.RunPart(ledger_size=len(made.ledger), statement=made.statement)
    made.add(GATEWAY, "run", [records.write(part)], FROM_NS, TO_NS)


@cache
def _untouched() -> Factory:
    made = opened()
    produced(made)
    stated(made)
    return made


def factory() -> Factory:
    """The untouched case, the same keys each time; the lists are the caller's own to bend."""
    made = copy.copy(_untouched())
    made.ledger = [list(pair) for pair in made.ledger]
    made.receipts, made.writers = list(made.receipts), dict(made.writers)
    return made


def failures(made: Factory | bytes, trusted: bytes | None = None) -> list[str]:
    """The checks that fail, as they are printed."""
    data = made if isinstance(made, bytes) else made.pack()
    report = verify(archive.read(data), None if trusted is None else trust.parse(trusted))
    return [finding.line() for finding in report.findings if not finding.ok]


def index_of(made: Factory, author: str, kind: str, nth: int = 0) -> int:
    """Where an author's nth entry of a type stands in the ledger."""
    headers = [entry.read(signed).header for signed, _ in made.ledger]
    return [i for i, h in enumerate(headers) if (h.author, h.type) == (author, kind)][nth]
