"""An archive for outsiders: a statement, the run entry that records it, and every entry it rests on.

In: a ledger and what is asked for. Out: the bytes of an archive that `metertrail verify` takes apart again. Never: a
number that does not follow from the ledger's entries; the clock; a body that the statement does not need.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent.aggregation import batch_record, replay
from agent.aggregation.replay import Counter
from contract import archive, cbor, checkpoint, keys, records
from contract.derived_records import DerivedPart
from contract.entry import AGENT_TYPES
from contract.entry import read as read_entry
from contract.errors import Malformed
from contract.segment import is_good
from gateway import (
    attribution,
    cross_check,
    factors,
    manual,
    media,
    metered,
    metering,
    overlap_evidence,
    site_model,
    virtual,
)
from gateway.ledger import LedgerEntry
from gateway.metered import ALL_TIME, Log, of_kind, parts_of, segments_of
from gateway.site_model import CounterRef, SiteModel
from gateway.statement import Statement

File = TypeVar("File", records.SitePart, records.FactorPart)

# shown whole, whenever they were written
STATED = ("manifest", "void", "enrolment", "rotation", "acknowledgement", "site", "factor", *manual.TYPES)
MARGIN_NS = (
    batch_record.AROUND_NS
)  # readings shown before and after: bounds rest on the last one before an edge, the first after
BATCHES = ("batch", "late_batch")


@dataclass(frozen=True, slots=True)
class Asked:
    """The period [from_ns, to_ns), and one product or (None) all of them. `provisional`: the period is still open."""

    product: str | None
    from_ns: int
    to_ns: int
    provisional: bool


@dataclass(frozen=True, slots=True)
class _Shown:
    """Which time the shown readings cover: the period and every batch that touches it, with a margin.

    Batches are shown from `batches_ns` on: earlier than the period, where such a one shares a time with one of its own.
    """

    from_ns: int
    to_ns: int
    batches_ns: int


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
    published = [part for entry in of_kind(log, "factor", size) for part in _parts(entry, records.FactorPart)]
    said = _manual(log, size)
    shown = _shown(log, asked, size)
    declared = overlap_evidence.declarations(log, size)
    told: list[attribution.BatchFacts] = []
    for entry in log.select(BATCHES, shown.batches_ns, asked.to_ns):
        if entry.index < size:
            try:
                told.append(declared.with_line(entry, _facts(entry, said)))
            except Malformed:
                continue  # no batch: one agent's garbage keeps no other's figures back; the verifier names it

    def read(meters: set[tuple[str, str]]) -> metered.Read:
        return metered.read(log, meters, shown.from_ns, shown.to_ns, size)

    if site.media and (faults := list(media.mixed(site, _counters(log, size)))):
        raise ValueError("; ".join(faults))
    find = _find(log, site, said, shown, size)
    whole = attribution.attribute(
        site,
        factors.library(part.toml for part in published),
        overlap_evidence.shared(told, read, asked.from_ns, asked.to_ns),
        metering.uses(site, metering.counting(find), asked.from_ns, asked.to_ns),
        asked.from_ns,
        asked.to_ns,
        provisional=asked.provisional,
    )
    wanted = [one for one in whole.products if asked.product in {None, one.product}]
    return cross_check.beside(replace(whole, products=tuple(wanted)), site, said, find)


def _manual(log: Log, size: int) -> manual.Manual:
    """All that people said, as of this size of the ledger."""
    entries = (entry for kind in manual.TYPES for entry in of_kind(log, kind, size))
    in_order = sorted(entries, key=lambda entry: entry.index)
    return manual.read(manual.Told(entry.index, entry.hash, parts_of(entry)) for entry in in_order)


def _find(log: Log, site: SiteModel, said: manual.Manual, shown: _Shown, size: int) -> metering.Find:
    """The readings of every counter a statement speaks of, of those that the archive will show. Raises ValueError."""
    refs = [ref for utility in site.utilities for ref in (utility.electricity, utility.volume)]
    wanted = {(ref.agent, ref.meter) for ref in refs if isinstance(ref, CounterRef)}
    formulas = {one.id: virtual.counters(site.virtuals, one.id) for one in site.virtuals}
    wanted |= {place[:2] for formula in formulas.values() for place in formula}
    wanted |= {place[:2] for place in cross_check.places(said)}
    read = metered.read(log, wanted, shown.from_ns, shown.to_ns, size)
    for name, formula in formulas.items():
        metered.check(read, f"virtual.{name}.formula", formula)
    return metered.finding(read)


def site_in_force(log: Log, size: int) -> SiteModel:
    """The site model that the ledger's first `size` entries state last. Raises ValueError."""
    sites = [part for entry in of_kind(log, "site", size) for part in _parts(entry, records.SitePart)]
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
    declared = overlap_evidence.declarations(log, size)
    sharing = [e.from_ns for e in batches if declared.shares(e)]
    last_ns = min(max([asked.to_ns, *(e.to_ns for e in batches)]) + MARGIN_NS, ALL_TIME[1])
    last_ns = _sealed_by(log, batches, last_ns)
    needs, margin_ns = _needs(log, batches, size), MARGIN_NS
    while _lacks(log, needs, max(first_ns - margin_ns, ALL_TIME[0]), size):
        margin_ns *= 2
    return _Shown(max(first_ns - margin_ns, ALL_TIME[0]), last_ns, min([asked.from_ns, *sharing]))


def _sealed_by(log: Log, batches: Iterable[LedgerEntry], last_ns: int) -> int:
    """When the last was read or told that is sealed before a batch's record, if later: it may rest on that.

    On the first reading after its end, however long none came, and on lots that were told of it hours later.
    """
    records_at = {entry.author: entry.index for entry in batches if entry.type == "batch"}  # the last of each agent
    for entry in log.select(("segment", "event"), last_ns, ALL_TIME[1]):
        if entry.index > max(records_at.values(), default=-1):
            break
        if entry.index < records_at.get(entry.author, -1):
            last_ns = max(last_ns, entry.to_ns)
    return last_ns


@dataclass(frozen=True, slots=True)
class _Need:
    """Two readings of this counter, under this configuration (begun at `floor_ns`), answered by `start_ns`."""

    author: str
    configuration: tuple[bytes, ...]
    meter: str
    point: str
    start_ns: int
    floor_ns: int


def _needs(log: Log, batches: Iterable[LedgerEntry], size: int) -> list[_Need]:
    """What the starts of batches rest on: the last two readings before them, however old."""
    stated, floors = _configurations(log, size)
    by_place = cache(_by_place)  # many batches rest on one configuration
    needs = []
    for entry in (one for one in batches if one.type == "batch"):  # a late one rests on nothing beyond the margin
        configuration = _in_force(stated, entry)
        try:
            parts = parts_of(entry)
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
        order = [conf for author, conf in floors if author == entry.author]
        for meter, point, before in _before_exchange(by_place, order, configuration, parts[1:], start_ns):
            needs.append(_Need(entry.author, before, meter, point, start_ns, floors[entry.author, before]))
    return needs


def _before_exchange(
    by_place: Callable[[tuple[bytes, ...]], dict[tuple[str, str], Counter]], order: Sequence[tuple[bytes, ...]],
    configuration: tuple[bytes, ...], amounts: Iterable[bytes], start_ns: int,
) -> Iterator[tuple[str, str, tuple[bytes, ...]]]:  # fmt: skip
    """Of counters that were another instrument's at `start_ns`, the configuration (of these in order) that had it."""
    until = order[: order.index(configuration)]
    counters = by_place(configuration)
    for amount in (records.read(part, records.AmountPart) for part in amounts):
        place = amount.meter, amount.point
        counter = counters.get(place)
        if counter is None or counter.handover is None or start_ns >= counter.handover.last_ns:
            continue
        told = [by_place(one).get(place) for one in until]
        while told and replay.counts_on(counter, told[-1]):
            told.pop()
        found = replay.earlier(counter, told)
        if found is not None:
            yield *place, until[max(found[1])]


def _by_place(configuration: tuple[bytes, ...]) -> dict[tuple[str, str], Counter]:
    return {(counter.meter, counter.point): counter for counter in _stated_counters(configuration)}


def _counters(log: Log, size: int) -> Iterator[tuple[str, Counter]]:
    """Every counter that a manifest states, with its agent, in order of the ledger."""
    known: dict[tuple[bytes, ...], list[Counter]] = {}  # a restart states the same again
    for entry in of_kind(log, "manifest", size):
        parts = tuple(parts_of(entry)[1:])
        if parts not in known:
            known[parts] = _stated_counters(parts)
        yield from ((entry.author, counter) for counter in known[parts])


def _stated_counters(parts: tuple[bytes, ...]) -> list[Counter]:
    """A manifest's counters; none of one that cannot be read, which the verifier names."""
    try:
        return [*replay.counters(parts).values()]
    except (ValueError, ArithmeticError, LookupError):
        return []


def _read_for(configuration: tuple[bytes, ...]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The points that each derived counter is made of."""
    parts = (records.read(p, DerivedPart) for p in configuration if records.kind_of(p) == "derived")
    return {
        (part.meter, part.point): tuple(name for name in (part.counts, part.pressure, part.temperature) if name)
        for part in parts
    }


_Configurations = dict[tuple[str, bytes], list[tuple[int, tuple[bytes, ...]]]]


def _configurations(log: Log, size: int) -> tuple[_Configurations, dict[tuple[str, tuple[bytes, ...]], int]]:
    """The configurations of every author's epochs, with their entries' indices, and when each first began."""
    stated: _Configurations = {}
    floors: dict[tuple[str, tuple[bytes, ...]], int] = {}
    for entry in of_kind(log, "manifest", size):
        configuration = tuple(parts_of(entry)[1:])
        stated.setdefault((entry.author, entry.epoch), []).append((entry.index, configuration))
        place = entry.author, configuration
        floors[place] = min(entry.from_ns, floors.get(place, entry.from_ns))
    return stated, floors


def _in_force(stated: _Configurations, entry: LedgerEntry) -> tuple[bytes, ...] | None:
    """The configuration that an entry was written under."""
    told = stated.get((entry.author, entry.epoch), ())
    return next((configuration for index, configuration in reversed(told) if index < entry.index), None)


def _lacks(log: Log, needs: Iterable[_Need], since_ns: int, size: int) -> bool:
    """Whether a need is not met by what was read since then, though its configuration is older."""
    waiting = [need for need in needs if need.floor_ns < since_ns]
    if not waiting:
        return False
    stated, _ = _configurations(log, size)
    until_ns = max(need.start_ns for need in waiting)
    earliest: dict[tuple[str, tuple[bytes, ...] | None, str, str], list[int]] = {}
    for entry in log.select(("segment",), since_ns, until_ns):
        if entry.index >= size:
            continue
        for part in segments_of(entry):
            for block in part.blocks:
                for column in block.columns:
                    place = entry.author, _in_force(stated, entry), part.meter, column.point
                    told = zip(block.answered_ns, column.raws, column.statuses, strict=True)
                    good = (at for at, raw, status in told if raw is not None and is_good(status))
                    earliest[place] = sorted([*earliest.get(place, ()), *islice(good, 2)])[:2]
    return any(
        sum(at <= need.start_ns for at in earliest.get((need.author, need.configuration, need.meter, need.point), ()))
        < 2
        for need in waiting
    )


def _is_needed(entry: LedgerEntry, asked: Asked, shown: _Shown, size: int) -> bool:
    match entry.type:
        case "batch" | "late_batch":
            return entry.from_ns <= asked.to_ns and entry.to_ns >= shown.batches_ns
        case "segment" | "event":
            return entry.from_ns <= shown.to_ns and entry.to_ns >= shown.from_ns
        case "run":
            return entry.index >= size  # the one just sealed; older statements are none of the reader's business
        case kind:
            return kind in STATED


def _facts(entry: LedgerEntry, said: manual.Manual) -> attribution.BatchFacts:
    return manual.batch(entry.author, entry.hash, parts_of(entry), said, late=entry.type == "late_batch")


def _parts(entry: LedgerEntry, kind: type[File]) -> list[File]:
    return [records.read(part, kind) for part in parts_of(entry)]
