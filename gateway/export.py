"""An archive for outsiders: a statement, the run entry that records it, and every entry it rests on.

In: a ledger and what is asked for. Out: the bytes of an archive that `metertrail verify` takes apart again. Never: a
number that does not follow from the ledger's entries; the clock; a body that the statement does not need.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from heapq import merge
from typing import Protocol, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent.aggregation import batch_record, replay
from agent.aggregation.replay import Counter
from contract import archive, body, cbor, checkpoint, keys, records, segment
from contract.derived_records import DerivedPart
from contract.entry import AGENT_TYPES
from contract.entry import read as read_entry
from contract.errors import Malformed
from contract.segment import MeterSegment
from gateway import attribution, factors, manual, media, site_model
from gateway.attribution import UtilityUse
from gateway.ledger import LedgerEntry
from gateway.site_model import CounterRef, SiteModel
from gateway.statement import Statement
from gateway.trust import GATEWAY

File = TypeVar("File", records.SitePart, records.FactorPart)

ALL_TIME = (-(2**63), 2**63 - 1)
STATED = ("manifest", "enrolment", "site", "factor", *manual.TYPES)  # shown whole, whenever they were written
MARGIN_NS = (
    batch_record.AROUND_NS
)  # readings shown before and after: bounds rest on the last one before an edge, the first after
BATCHES = ("batch", "late_batch")
ENERGY, VOLUME = "wh_milli", "m3_micro"


class Log(Protocol):
    """What is needed of a ledger."""

    @property
    def size(self) -> int:
        """How many entries it holds."""

    def entries(self, first: int = 0, last: int | None = None) -> Iterator[LedgerEntry]:
        """Entries by index, both ends included."""

    def select(
        self, types: tuple[str, ...], from_ns: int, to_ns: int, author: str | None = None
    ) -> Iterator[LedgerEntry]:
        """Entries of these types that speak of any time in [from_ns, to_ns], in order."""

    def latest_checkpoint(self) -> str | None:
        """The last signed note."""

    def receipts(self) -> Mapping[str, bytes]:
        """The last receipt of every agent."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The period [from_ns, to_ns), and one product or (None) all of them. `provisional`: the period is still open."""

    product: str | None
    from_ns: int
    to_ns: int
    provisional: bool


@dataclass(frozen=True, slots=True)
class _Shown:
    """Which time the shown readings cover: the period and every batch that touches it, with a margin."""

    from_ns: int
    to_ns: int


def export(log: Log, key: Ed25519PublicKey, asked: Asked, seal_run: Callable[[records.RunPart], object]) -> bytes:
    """Make the statement, have it sealed as a `run` entry, and pack the archive.

    `seal_run` returns once the entry is in the ledger. Raises ValueError, one clear line, if the ledger cannot answer.
    """
    if asked.from_ns >= asked.to_ns:
        raise ValueError("the period ends before it starts: give --from before --to")
    size = log.size
    asked = replace(asked, provisional=asked.provisional or _is_open(log, asked.to_ns, size))
    shown = _shown(log, asked, size)
    text = attribution.canonical_json(statement(log, asked, size))
    seal_run(records.RunPart(ledger_size=size, statement=text))
    return _packed(log, key, text, lambda entry: _is_needed(entry, asked, shown, size))


def whole_ledger(log: Log, key: Ed25519PublicKey) -> bytes:
    """An archive of every entry with its body, and no statement. Raises ValueError for an empty ledger."""
    return _packed(log, key, b"", lambda _: True)


def _packed(log: Log, key: Ed25519PublicKey, text: bytes, is_needed: Callable[[LedgerEntry], bool]) -> bytes:
    receipts = log.receipts()  # before the checkpoint, so that none speaks of a larger ledger
    note = log.latest_checkpoint()
    if note is None:
        raise ValueError("the ledger is empty: there is nothing to export")
    last = checkpoint.parse(note).size - 1
    return archive.pack(
        {
            "checkpoint.txt": note.encode(),
            "entries.cborseq": b"".join(
                cbor.encode([e.index, e.signed, e.body if is_needed(e) else None]) for e in log.entries(0, last)
            ),
            "ledger.pem": keys.public_to_pem(key),
            "receipts.cborseq": b"".join(cbor.encode(receipts[agent]) for agent in sorted(receipts)),
            "statement.json": text,
        }
    )


def statement(log: Log, asked: Asked, size: int) -> Statement:
    """The statement that the ledger's first `size` entries give. Raises ValueError."""
    site = site_in_force(log, size)
    if asked.product is not None:
        check_product(site, asked.product)
    published = [part for entry in _stated(log, "factor", size) for part in _parts(entry, records.FactorPart)]
    said = _manual(log, size)
    told: list[attribution.BatchFacts] = []
    for entry in log.select(BATCHES, asked.from_ns, asked.to_ns):
        if entry.index < size:
            try:
                told.append(_facts(entry, said))
            except Malformed:
                continue  # no batch: one agent's garbage keeps no other's figures back; the verifier names it
    if faults := list(media.mixed(site, _derived(log, size))):
        raise ValueError("; ".join(faults))
    whole = attribution.attribute(
        site,
        factors.library(part.toml for part in published),
        told,
        _uses(log, site, asked, size),
        asked.from_ns,
        asked.to_ns,
        provisional=asked.provisional,
    )
    wanted = [one for one in whole.products if asked.product in {None, one.product}]
    return replace(whole, products=tuple(wanted))


def _manual(log: Log, size: int) -> manual.Manual:
    """All that people said, as of this size of the ledger."""
    entries = (entry for kind in manual.TYPES for entry in _stated(log, kind, size))
    in_order = sorted(entries, key=lambda entry: entry.index)
    return manual.read(manual.Told(entry.index, entry.hash, _data(entry)) for entry in in_order)


def site_in_force(log: Log, size: int) -> SiteModel:
    """The site model that the ledger's first `size` entries state last. Raises ValueError."""
    sites = [part for entry in _stated(log, "site", size) for part in _parts(entry, records.SitePart)]
    if not sites:
        raise ValueError("the ledger holds no site model: name one in the gateway's configuration and start it once")
    return site_model.parse(sites[-1].toml)


def _is_open(log: Log, to_ns: int, size: int) -> bool:
    """Whether an agent of a line has sealed nothing since the period's end, so that ends of batches may be missing.

    Entries of one author are admitted in the order of its chain, and an end is told when it is seen: an entry sealed at
    or after `to_ns` has every end seen by then before it.
    """
    since = log.select(AGENT_TYPES, to_ns - MARGIN_NS, ALL_TIME[1])
    reached = {e.author for e in since if e.index < size and read_entry(e.signed).header.sealed_ns >= to_ns}
    return bool({line.agent for line in site_in_force(log, size).lines} - reached)


def check_product(site: SiteModel, product: str) -> None:
    """Raise ValueError unless the site declares this product."""
    if site.product(product) is None:
        known = ", ".join(one.id for one in site.products)
        raise ValueError(f"{product!r} is not a product of this site: use one of {known}")


def _shown(log: Log, asked: Asked, size: int) -> _Shown:
    batches = [e for e in log.select(BATCHES, asked.from_ns, asked.to_ns) if e.index < size]
    first_ns = min([asked.from_ns, *(e.from_ns for e in batches)])
    last_ns = min(max([asked.to_ns, *(e.to_ns for e in batches)]) + MARGIN_NS, ALL_TIME[1])
    needs, margin_ns = _needs(log, batches, size), MARGIN_NS
    while _lacks(log, needs, max(first_ns - margin_ns, ALL_TIME[0]), size):
        margin_ns *= 2
    return _Shown(max(first_ns - margin_ns, ALL_TIME[0]), last_ns)


@dataclass(frozen=True, slots=True)
class _Need:
    """A reading of this counter, under this configuration (begun at `floor_ns`), answered by `start_ns`."""

    author: str
    configuration: tuple[bytes, ...]
    meter: str
    point: str
    start_ns: int
    floor_ns: int


def _needs(log: Log, batches: Iterable[LedgerEntry], size: int) -> list[_Need]:
    """What the starts of batches rest on: the last reading before them, however old."""
    stated, floors = _configurations(log, size)
    needs = []
    for entry in (one for one in batches if one.type == "batch"):  # a late one rests on nothing beyond the margin
        configuration = stated.get((entry.author, entry.epoch))
        try:
            parts = _data(entry)
            attribution.facts(entry.author, parts)
            read = _read_for(configuration or ())
        except Malformed:
            continue
        if configuration is None:
            continue
        start_ns = records.read(parts[0], records.BatchPart).start.earliest_ns
        floor_ns = floors[entry.author, configuration]
        needs += [
            _Need(entry.author, configuration, amount.meter, point, start_ns, floor_ns)
            for amount in (records.read(part, records.AmountPart) for part in parts[1:])
            for point in read.get((amount.meter, amount.point), (amount.point,))
        ]
    return needs


def _derived(log: Log, size: int) -> Iterator[tuple[str, DerivedPart]]:
    """Every derived counter that a manifest states, with its agent, in order of the ledger."""
    for entry in _stated(log, "manifest", size):
        yield from (
            (entry.author, records.read(part, DerivedPart))
            for part in _data(entry)
            if records.kind_of(part) == "derived"
        )


def _read_for(configuration: tuple[bytes, ...]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The points that each derived counter is made of."""
    parts = (records.read(p, DerivedPart) for p in configuration if records.kind_of(p) == "derived")
    return {
        (part.meter, part.point): tuple(name for name in (part.counts, part.pressure, part.temperature) if name)
        for part in parts
    }


_Configurations = dict[tuple[str, bytes], tuple[bytes, ...]]


def _configurations(log: Log, size: int) -> tuple[_Configurations, dict[tuple[str, tuple[bytes, ...]], int]]:
    """The configuration of every author's epoch, and when each configuration first began."""
    stated: _Configurations = {}
    floors: dict[tuple[str, tuple[bytes, ...]], int] = {}
    for entry in _stated(log, "manifest", size):
        configuration = tuple(_data(entry)[1:])
        stated[entry.author, entry.epoch] = configuration
        place = entry.author, configuration
        floors[place] = min(entry.from_ns, floors.get(place, entry.from_ns))
    return stated, floors


def _lacks(log: Log, needs: Iterable[_Need], since_ns: int, size: int) -> bool:
    """Whether a need is not met by what was read since then, though its configuration is older."""
    waiting = [need for need in needs if need.floor_ns < since_ns]
    if not waiting:
        return False
    stated, _ = _configurations(log, size)
    until_ns = max(need.start_ns for need in waiting)
    first: dict[tuple[str, tuple[bytes, ...] | None, str, str], int] = {}
    for entry in log.select(("segment",), since_ns, until_ns):
        if entry.index >= size:
            continue
        for part in _segments(entry):
            for block in part.blocks:
                for column in block.columns:
                    place = entry.author, stated.get((entry.author, entry.epoch)), part.meter, column.point
                    good = (at for at, raw in zip(block.answered_ns, column.raws, strict=True) if raw is not None)
                    at_ns = next(good, None)
                    if at_ns is not None:
                        first[place] = min(at_ns, first.get(place, at_ns))
    return any(
        first.get((need.author, need.configuration, need.meter, need.point), need.start_ns + 1) > need.start_ns
        for need in waiting
    )


def _segments(entry: LedgerEntry) -> list[MeterSegment]:
    """An entry's segments; none if one cannot be read, which the verifier names."""
    try:
        return [segment.decode(part) for part in _data(entry)]
    except Malformed:
        return []


def _is_needed(entry: LedgerEntry, asked: Asked, shown: _Shown, size: int) -> bool:
    match entry.type:
        case "batch" | "late_batch":
            return entry.from_ns <= asked.to_ns and entry.to_ns >= asked.from_ns
        case "segment" | "event":
            return entry.from_ns <= shown.to_ns and entry.to_ns >= shown.from_ns
        case "run":
            return entry.index >= size  # the one just sealed; older statements are none of the reader's business
        case kind:
            return kind in STATED


def _uses(log: Log, site: SiteModel, asked: Asked, size: int) -> list[UtilityUse]:
    """What every utility's own counters counted over the period."""
    wanted = [ref for utility in site.utilities for ref in (utility.electricity, utility.volume) if ref is not None]
    said = _said(log, {(ref.agent, ref.meter) for ref in wanted}, _shown(log, asked, size), size)
    return [
        UtilityUse(
            utility.id,
            _counted(said, utility.electricity, ENERGY, asked),
            None if utility.volume is None else _counted(said, utility.volume, VOLUME, asked),
        )
        for utility in site.utilities
    ]


_Counters = Mapping[tuple[str, str], Counter]


@dataclass(frozen=True, slots=True)
class _Said:
    """Each meter's shown segments with the number of the manifest in force for it; each author's manifests in order."""

    segments: dict[tuple[str, str], list[tuple[int, MeterSegment]]]
    manifests: dict[str, list[_Counters]]


def _said(log: Log, meters: set[tuple[str, str]], shown: _Shown, size: int) -> _Said:
    """Every shown segment of these meters, with the counters of the manifest in force for it."""
    in_force: dict[tuple[str, bytes], int] = {}
    known: dict[tuple[bytes, ...], _Counters] = {}  # a restart states the same again
    said = _Said({meter: [] for meter in meters}, {agent: [] for agent, _ in meters})
    manifests, segments = _stated(log, "manifest", size), log.select(("segment",), shown.from_ns, shown.to_ns)
    for entry in merge(manifests, segments, key=lambda e: e.index):
        if entry.author not in {agent for agent, _ in meters} or entry.index >= size:
            continue
        if entry.type == "manifest":
            parts = tuple(_data(entry)[1:])
            if parts not in known:
                known[parts] = replay.counters(parts)
            in_force[entry.author, entry.epoch] = len(said.manifests[entry.author])
            said.manifests[entry.author].append(known[parts])
            continue
        number = in_force.get((entry.author, entry.epoch))
        for part in _segments(entry):
            if number is not None and (entry.author, part.meter) in said.segments:
                said.segments[entry.author, part.meter].append((number, part))
    return said


def _counted(said: _Said, ref: CounterRef, unit: str, asked: Asked) -> int | None:
    """One counter over the period, as its meter was last described; None if not known or not counted in `unit`.

    Readings from before a time in which it may have counted elsewhere are left out, as the verifier does.
    """
    mine, told = said.segments[ref.agent, ref.meter], said.manifests[ref.agent]
    last, place = mine[-1][0] if mine else -1, (ref.meter, ref.point)
    counter = told[last].get(place) if mine else None
    if counter is None or counter.unit != unit:
        return None
    gone = next((n for n in range(last, -1, -1) if not replay.counts_on(counter, told[n].get(place))), -1)
    readings = replay.readings(counter, (part for n, part in mine if n > gone and told[n].get(place) == counter))
    edges = [(asked.from_ns, asked.from_ns), (asked.to_ns, asked.to_ns)]
    return replay.amounts(counter, readings, edges, [(0, 1)])[0].amount


def _stated(log: Log, kind: str, size: int) -> Iterator[LedgerEntry]:
    author = None if kind == "manifest" else GATEWAY
    return (entry for entry in log.select((kind,), *ALL_TIME, author) if entry.index < size)


def _facts(entry: LedgerEntry, said: manual.Manual) -> attribution.BatchFacts:
    return manual.batch(entry.author, entry.hash, _data(entry), said, late=entry.type == "late_batch")


def _data(entry: LedgerEntry) -> list[bytes]:
    return [part for part in body.unpack(entry.body).parts if part is not None]


def _parts(entry: LedgerEntry, kind: type[File]) -> list[File]:
    return [records.read(part, kind) for part in _data(entry)]
