"""An archive for outsiders: a statement, the run entry that records it, and every entry it rests on.

In: a ledger and what is asked for. Out: the bytes of an archive that `metertrail verify` takes apart again. Never: a
number that does not follow from the ledger's entries; the clock; a body that the statement does not need.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent.aggregation import batch_record
from contract import archive, cbor, checkpoint, keys, records
from contract.entry import AGENT_TYPES
from contract.entry import read as read_entry
from contract.errors import Malformed
from contract.lineage import Lineage, Standing
from gateway import (
    attribution,
    cross_check,
    factors,
    lineages,
    manual,
    media,
    metered,
    metering,
    needs,
    overlap_evidence,
    site_model,
    virtual,
)
from gateway.ledger import LedgerEntry
from gateway.metered import ALL_TIME, Log, of_kind, parts_of
from gateway.site_model import CounterRef, SiteModel
from gateway.statement import Statement
from gateway.trust import GATEWAY

File = TypeVar("File", records.SitePart, records.FactorPart)

# shown whole, whenever they were written
STATED = ("manifest", "void", "enrolment", "rotation", "acknowledgement", "anchor", "site", "factor", *manual.TYPES)
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
    known = lineages.lineages(log, size)
    for entry in log.select(BATCHES, shown.batches_ns, asked.to_ns):
        if entry.index < size:
            try:
                told.append(replace(declared.with_line(entry, _facts(entry, said)), branch=_standing(known, entry)))
            except Malformed:
                continue  # no batch: one agent's garbage keeps no other's figures back; the verifier names it

    def read(meters: set[tuple[str, str]]) -> metered.Read:
        return metered.read(log, meters, shown.from_ns, shown.to_ns, size)

    if site.media and (faults := list(media.mixed(site, needs.counters_stated(log, size)))):
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


def _standing(known: Mapping[str, Lineage], entry: LedgerEntry) -> Standing:
    of = known.get(entry.author)
    if entry.author == GATEWAY:
        return "trunk"  # a batch told late rests on the trunk as it was
    return "lost" if of is None else of.standing(entry.epoch, entry.seq, entry.index)


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
    waiting, margin_ns = needs.needs(log, batches, size), MARGIN_NS
    while needs.lacks(log, waiting, max(first_ns - margin_ns, ALL_TIME[0]), size):
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
