"""What people said must mean what they wrote, and speak of entries that are there.

In: a trail. Out: its manual records for the statement, and findings: every integer follows from its text, every
amendment and quantity names an entry of this ledger, and an amendment repeats the value that it replaces.
"""

from collections.abc import Iterator

from contract import amount_text, records
from contract.errors import Malformed
from contract.manual_records import AmendmentPart, EntryRef, InvoicePart, QuantityPart, ReadingPart
from gateway import manual
from gateway.manual import Manual, Told
from verifier.finding import Finding, lacking
from verifier.trail import GATEWAY, Item, Trail

BATCH_TYPES = ("batch", "late_batch")

Hand = ReadingPart | InvoicePart | QuantityPart | AmendmentPart
KINDS: dict[str, type[Hand]] = {**manual.KINDS, "amendment": AmendmentPart}


def read(trail: Trail) -> Manual:
    """All that people said, in ledger order."""
    return manual.read(Told(item.index, item.hash, item.shown()) for item in trail.of(*manual.TYPES, author=GATEWAY))


def said_by_hand(trail: Trail) -> Iterator[Finding]:
    """One finding for each fault, or one for them all."""
    by_hash = {item.hash: item for item in trail.items}
    count = wrong = 0
    for item in trail.of(*manual.TYPES, author=GATEWAY):
        if item.whole() is None:
            wrong += 1
            yield lacking("manual", f"{item.index} {item.where}: withheld: no figure it changes is known")
            continue
        for number, part in enumerate(item.shown()):
            count += 1
            if fault := _fault(part, by_hash):
                wrong += 1
                yield Finding("manual", ok=False, text=f"{item.index} {item.where} part {number}: {fault}")
    if count and not wrong:
        text = f"{count} records by hand mean what was written and speak of entries that are here"
        yield Finding("manual", ok=True, text=text)


def _fault(part: bytes, by_hash: dict[bytes, Item]) -> str | None:
    try:
        kind = records.kind_of(part)
        if kind is None or kind not in KINDS:
            return f"a part of kind {kind} is none of {', '.join(KINDS)}"
        record = records.read(part, KINDS[kind])
        return _written_fault(record) or _reference_fault(record, by_hash)
    except Malformed as error:
        return str(error)


def _written_fault(record: Hand) -> str | None:
    """Whether the integers are those of the text, and times in their order; an amendment's with the part it names."""
    if isinstance(record, AmendmentPart):
        return None
    multiplier, amount = (record.multiplier, record.value) if isinstance(record, ReadingPart) else (1, record.amount)
    try:
        due = amount_text.parse(record.text, multiplier)
    except ValueError as error:
        return str(error)
    if (amount, record.step, record.unit) != (due.amount, due.step, due.unit):
        return (
            f"{record.text!r} is {due.amount} {due.unit} in steps of {due.step}; "
            f"it states {amount} {record.unit} in steps of {record.step}"
        )
    if isinstance(record, ReadingPart) and record.earliest_ns > record.latest_ns:
        return "its time of reading ends before it starts"
    if isinstance(record, InvoicePart) and record.from_ns >= record.to_ns:
        return "its period ends before it starts"
    return None


def _reference_fault(record: Hand, by_hash: dict[bytes, Item]) -> str | None:
    """Whether the entry it speaks of is in the ledger, in the place it names, and says what is repeated here."""
    if not isinstance(record, QuantityPart | AmendmentPart):
        return None
    named: EntryRef = record.batch if isinstance(record, QuantityPart) else record.entry
    item = by_hash.get(named.hash)
    if item is None:
        return f"speaks of entry {named.hash.hex()[:16]}, which is not in the ledger"
    if (item.header.author, item.header.epoch, item.header.seq) != (named.author, named.epoch, named.seq):
        return f"names another place than that of entry {item.index} {item.where}"
    if isinstance(record, QuantityPart):
        return None if item.header.type in BATCH_TYPES else f"speaks of entry {item.index} {item.where}: no batch"
    if item.parts is None:
        return None  # outside the period shown: its figures are none of this statement's
    if record.number >= len(item.parts):
        return f"names part {record.number} of {len(item.parts)}"
    part = item.parts[record.number]
    return None if part is None else manual.fault_of(record, part)
