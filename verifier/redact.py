"""A copy of an archive that withholds bodies or single parts of them, and still verifies for what it shows.

In: an archive whose form holds, and a wish: up to which tier, for which products, without which meters. Out: the copy's
bytes and how much was withheld. Headers, checkpoint, receipts and statement are never touched: a part gives way to its
leaf's hash (contract, section 6), so that a reader sees that something stood there, and that the rest is as it was.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Literal

from contract import archive as archive_form
from contract import batch_message, body, cbor, keys, records
from contract.errors import Malformed
from contract.manual_records import AmendmentPart, QuantityPart
from contract.records import EventPart, FactorPart, RunPart
from gateway import factors
from verifier import check_batches, check_statement, evidence, trail
from verifier.archive import Archive, Kept
from verifier.trail import GATEWAY, Item, Trail

Tier = Literal["public", "controlled", "confidential"]
TIERS: tuple[Tier, ...] = ("public", "controlled", "confidential")
BY_HAND = ("manual", "quantity", "amendment", "review")
RECORDED = ("batch", "late_batch")

Withheld = Callable[[Item, int, bytes], bool]  # an entry, a part's number, the part


@dataclass(frozen=True, slots=True)
class Wish:
    """What to withhold; all that is wished for adds up. Without products, those of all are shown."""

    tier: Tier = "confidential"
    products: tuple[str, ...] = ()
    meters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Redacted:
    """The copy, and how many bodies and parts of others it withholds that the original showed."""

    data: bytes
    bodies: int
    parts: int


def redact(archive: Archive, wish: Wish) -> Redacted:
    """Make the copy. Raises Malformed where an entry does not hold, ValueError for a wish that means nothing here."""
    read, found = trail.read(archive)
    for finding in found:
        if not finding.ok:
            raise Malformed(f"{finding.check} {finding.text}: only an archive that holds can be redacted")
    rules: list[Withheld] = [_beyond(wish.tier)]
    if wish.meters:
        rules.append(_of_meters(read, wish.meters))
    if wish.products:
        rules.append(_of_others(read, wish.products))
    kept, bodies, parts = [], 0, 0
    for one, item in zip(archive.entries, read.items, strict=True):
        numbers = {n for n, part in _shown(item) if not any(rule(item, n, part) for rule in rules)}
        fewer = len(item.shown()) - len(numbers)
        kept.append(_kept(one, numbers) if fewer else one)
        whole = fewer > 0 and not numbers
        bodies, parts = bodies + whole, parts + (0 if whole else fewer)
    return Redacted(_packed(archive, kept), bodies, parts)


def _shown(item: Item) -> Iterator[tuple[int, bytes]]:
    return ((number, part) for number, part in enumerate(item.parts or ()) if part is not None)


def _kept(one: Kept, numbers: Collection[int]) -> Kept:
    if one.body is None or not numbers:
        return Kept(one.index, one.signed, None)
    return Kept(one.index, one.signed, body.redact(one.body, numbers))


def _packed(archive: Archive, kept: Collection[Kept]) -> bytes:
    return archive_form.pack(
        {
            "checkpoint.txt": archive.note.encode(),
            "entries.cborseq": b"".join(cbor.encode([one.index, one.signed, one.body]) for one in kept),
            "ledger.pem": keys.public_to_pem(archive.ledger_key),
            "receipts.cborseq": b"".join(cbor.encode(data) for data in archive.receipts),
            "statement.json": archive.statement,
        }
    )


def _beyond(tier: Tier) -> Withheld:
    """Public: no agent's body but what its epochs follow, nothing by hand. Controlled: no raw readings."""

    def withheld(item: Item, number: int, part: bytes) -> bool:
        kind, is_gateway = item.header.type, item.header.author == GATEWAY
        if kind == "factor" and is_gateway:
            return any(TIERS.index(one.tier) > TIERS.index(tier) for one in _factors(part))
        if tier == "controlled":
            return kind == "segment" and not is_gateway
        if tier == "confidential":
            return False
        if is_gateway:
            return kind in BY_HAND or kind == "late_batch"
        return kind in {"segment", "batch", "event", "quantity", "manual"} or (kind == "manifest" and number > 0)

    return withheld


def _factors(part: bytes) -> tuple[factors.Factor, ...]:
    return factors.parse(records.read(part, FactorPart).toml)


def _of_meters(read: Trail, meters: Collection[str]) -> Withheld:
    """What these meters said: their readings, their amounts, and events about them. What they are stays shown."""
    known = {
        name
        for item in read.of("manifest")
        for part in item.shown()
        if (name := _text(part, "meter")) is not None and records.kind_of(part) == "meter"
    }
    if strange := sorted(set(meters) - known):
        raise ValueError(f"{strange[0]!r} is no meter of this archive: use one of {', '.join(sorted(known)) or 'none'}")

    def withheld(item: Item, _number: int, part: bytes) -> bool:
        if item.header.type == "segment" or (item.header.type in RECORDED and records.kind_of(part) == "amount"):
            return _text(part, "meter") in meters
        return item.header.type == "event" and _text(part, "about") in meters

    return withheld


@dataclass(slots=True)
class _Ours:
    """What belongs to the products that stay: their batches, lines, meters; and the hashes of others' batches."""

    batches: set[tuple[str, str, str]] = field(default_factory=set)  # agent, line, batch
    lines: set[tuple[str, str]] = field(default_factory=set)  # agent, line
    meters: set[tuple[str, str]] = field(default_factory=set)  # agent, meter
    others: set[bytes] = field(default_factory=set)


def _of_others(read: Trail, products: Collection[str]) -> Withheld:
    """Other products' batches, what was told of them, and readings of meters that are on no line of these products.

    Meters that the statement itself counts, such as a utility's, stay shown.
    """
    _check_statement(read, products)
    ours = _ours(read, products)

    def withheld(item: Item, _number: int, part: bytes) -> bool:
        author, kind = item.header.author, item.header.type
        if kind in RECORDED:
            return item.hash in ours.others
        if kind == "segment":
            return (author, _text(part, "meter")) not in ours.meters
        if kind == "event":
            return _is_anothers(author, records.read(part, EventPart), ours)
        if kind == "run":
            return records.read(part, RunPart).statement != read.archive.statement
        if records.kind_of(part) == "quantity":
            return records.read(part, QuantityPart).batch.hash in ours.others
        return records.kind_of(part) == "amendment" and records.read(part, AmendmentPart).entry.hash in ours.others

    return withheld


def _check_statement(read: Trail, products: Collection[str]) -> None:
    if not read.archive.statement:
        return
    shown = set(check_statement.claim(read.archive.statement).products) - set(products)
    if shown:
        told = f"the statement shows {min(shown)!r} as well, and is signed as it is"
        raise ValueError(f"{told}: make one with `metertrail export --product`, and redact that")


def _ours(read: Trail, products: Collection[str]) -> _Ours:
    known, _ = evidence.read(read)
    batches, _ = check_batches.read(read, None)
    made = {batch.head.product for batch in batches}
    if strange := sorted(set(products) - made):
        told = ", ".join(sorted(made)) or "none"
        raise ValueError(f"no batch of {strange[0]!r} is shown in this archive: use one of {told}")
    ours = _Ours()
    kept = [batch for batch in batches if batch.head.product in products]
    for batch in kept:
        ours.batches.add((batch.agent, batch.head.line, batch.head.batch))
        ours.lines.add((batch.agent, batch.head.line))
        ours.meters |= {(batch.agent, amount.meter) for amount in batch.amounts}
        stated = known.manifests.get(batch.item.index)
        if stated is not None and batch.head.line in stated.lines:
            ours.meters.add((batch.agent, stated.lines[batch.head.line].source))
    ours.others = {batch.item.hash for batch in batches if batch.head.product not in products}
    if read.archive.statement:
        ours.meters |= check_statement.metered(read, known, kept)
    return ours


def _is_anothers(author: str, event: EventPart, ours: _Ours) -> bool:
    """Whether an event tells of a batch that is not one of ours, or of a line on which none of them ran."""
    batch = event.detail.get("batch")
    if event.event == "batch_message":
        try:
            batch = batch_message.parse(str(event.detail.get("payload", "")).encode()).batch
        except Malformed:
            return True
    if batch is not None:
        return (author, event.about, str(batch)) not in ours.batches
    return event.event == "line_state" and (author, event.about) not in ours.lines


def _text(part: bytes, member: str) -> str | None:
    """A member of a part that is a map, if it is a text."""
    fields = cbor.decode(part)
    found = fields.get(member) if isinstance(fields, dict) else None
    return found if isinstance(found, str) else None
