"""What really happened, kept apart from everything under trial, and what the ledger must therefore hold.

In: scans as they are read, scans whose recording returned, receipts as they leave the gateway; in the end an archive.
Out: breaches, one line each. The archive is read by the contract alone.
Never: a look into a journal or a ledger.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from agent.drivers import Scan
from contract import body, cbor, cose, entry, records, segment
from contract.receipt import Receipt
from contract.segment import TICK_NS
from simulators.ordeal.plant import Line
from verifier import archive, trust
from verifier.verify import verify

Scanned = tuple[str, str, int, int]  # agent, meter, block, the request's tick
Words = tuple[tuple[str, int | None], ...]


@dataclass(slots=True)
class Truth:
    """All that was read, recorded and receipted."""

    read: dict[Scanned, Words] = field(default_factory=dict)
    durable: set[Scanned] = field(default_factory=set)
    receipts: int = 0
    heads: dict[tuple[str, bytes], tuple[int, bytes]] = field(default_factory=dict)  # the furthest of each epoch
    forgotten: list[str] = field(default_factory=list)
    verdicts: Counter[str] = field(default_factory=Counter)

    def reads(self, agent: str, scans: Iterable[tuple[str, Scan]]) -> None:
        """These words were read, and are about to be recorded."""
        self.read.update(dict(_scanned(agent, scans)))

    def recorded(self, agent: str, scans: Iterable[tuple[str, Scan]]) -> None:
        """Their recording has returned: from here on they must survive anything."""
        self.durable.update(place for place, _ in _scanned(agent, scans))

    def receipted(self, data: bytes) -> None:
        """A receipt leaves the gateway: from here on the ledger must hold what it names."""
        said = Receipt.model_validate(cbor.decode(cose.parse(data).payload))
        self.receipts += 1
        for head in said.heads:
            told = self.heads.setdefault((said.agent, head.epoch), (head.seq, head.hash))
            if head.seq > told[0]:
                self.heads[said.agent, head.epoch] = head.seq, head.hash

    def started(self, hash_at: Callable[[tuple[str, bytes, int]], bytes | None]) -> None:
        """A gateway starts: its ledger must hold, by itself, all it ever gave a receipt for."""
        for (agent, epoch), (seq, digest) in self.heads.items():
            if hash_at((agent, epoch, seq)) != digest:
                self.forgotten.append(f"receipted, and lost by the ledger: {agent} {epoch.hex()[:8]}/{seq}")


def _scanned(agent: str, scans: Iterable[tuple[str, Scan]]) -> Iterator[tuple[Scanned, Words]]:
    for meter, scan in scans:
        words = tuple((reading.point, reading.raw) for reading in scan.readings if reading.text is None)
        yield (agent, meter, scan.block, scan.requested_ns // TICK_NS), words


@dataclass(slots=True)
class Held:
    """What an archive holds: every scan and its words, every entry's hash, every batch's record."""

    scans: Counter[Scanned] = field(default_factory=Counter)
    words: dict[Scanned, Words] = field(default_factory=dict)
    places: dict[tuple[str, bytes, int], bytes] = field(default_factory=dict)
    doubled: list[str] = field(default_factory=list)
    batches: list[tuple[str, records.BatchPart, list[records.AmountPart]]] = field(default_factory=list)


def held(data: bytes) -> Held:
    """Read an archive of a whole ledger."""
    opened = archive.read(data)
    found = Held()
    for item in opened.entries:
        read = entry.read(item.signed)
        header = read.header
        place = header.author, header.epoch, header.seq
        if place in found.places:
            found.doubled.append(f"entry {header.author} {header.epoch.hex()[:8]}/{header.seq}")
        found.places[place] = read.hash(opened.site)
        parts = [part for part in body.unpack(item.body or b"").parts if part is not None]
        if header.type == "segment":
            for made in map(segment.decode, parts):
                _hold_segment(found, header.author, made)
        if header.type == "batch":
            amounts = [records.read(part, records.AmountPart) for part in parts[1:]]
            found.batches.append((header.author, records.read(parts[0], records.BatchPart), amounts))
    return found


def _hold_segment(found: Held, author: str, made: segment.MeterSegment) -> None:
    for block in made.blocks:
        raws = [[(column.point, raw) for raw in column.raws] for column in block.columns]
        for number, requested_ns in enumerate(block.requested_ns):
            place = author, made.meter, block.index, requested_ns // TICK_NS
            found.scans[place] += 1
            found.words[place] = tuple(column[number] for column in raws)


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of everything: counts, what the verifier found, and every breach as a line."""

    readings: int
    lost: int
    doubled: int
    batches: int
    verdict: str
    breaches: tuple[str, ...]
    findings: tuple[str, ...]


def judge(truth: Truth, data: bytes, trusted: bytes, lines: Sequence[Line]) -> Judged:
    """Hold a whole ledger against the truth."""
    found = held(data)
    report = verify(archive.read(data), trust.parse(trusted))
    breaches = [f"verifier: {finding.line()}" for finding in report.findings if not finding.ok]
    lost = sorted(truth.durable - found.scans.keys())
    doubled = sorted(place for place, times in found.scans.items() if times > 1)
    breaches += [f"lost: {place}" for place in lost]
    breaches += [f"doubled: {place}" for place in doubled]
    breaches += [f"doubled: {what}" for what in found.doubled]
    breaches += [f"never read: {place}" for place in sorted(found.scans.keys() - truth.read.keys())]
    breaches += [
        f"altered: {place}: {words} where {truth.read[place]} was read"
        for place, words in sorted(found.words.items())
        if place in truth.read and dict(words) != dict(truth.read[place])
    ]
    breaches += [
        f"receipted, but not in the ledger: {agent} {epoch.hex()[:8]}/{seq}"
        for (agent, epoch), (seq, digest) in sorted(truth.heads.items())
        if found.places.get((agent, epoch, seq)) != digest
    ]
    breaches += truth.forgotten
    breaches += _energies(found, lines)
    told = tuple(finding.line() for finding in report.findings)
    counts = len(truth.durable), len(lost), len(doubled), len(found.batches)
    return Judged(*counts, report.verdict, tuple(breaches), told)


def _energies(found: Held, lines: Sequence[Line]) -> Iterator[str]:
    """Every batch's edges hold its true ones, and its bounds what the plant's counter truly counted between them."""
    plant = {(line.agent, batch.name): (line, batch) for line in lines for batch in line.batches}
    told = Counter((agent, head.batch) for agent, head, _ in found.batches)
    yield from (f"batch told twice: {agent} {name}" for (agent, name), times in told.items() if times > 1)
    for agent, head, amounts in found.batches:
        line, batch = plant[agent, head.batch]
        edges = (("start", head.start, batch.start_ns), ("end", head.end, batch.end_ns))
        for name, edge, at_ns in edges:
            if not edge.earliest_ns <= at_ns <= edge.latest_ns:
                yield f"batch {head.batch}: its {name} is not between the looks that show it"
        energy = line.energy(batch.end_ns) - line.energy(batch.start_ns)
        for amount in amounts:
            if amount.point != "energy" or amount.lower is None or amount.upper is None:
                continue
            if not amount.lower <= energy <= amount.upper:
                yield f"batch {head.batch}: {energy} mWh are not within {amount.lower} to {amount.upper}"
