"""What a person files by hand: from words as typed to the record that the gateway seals.

In: strict filings, and the ledger that shows what they speak of. Out: the parts of `manual`, `quantity` and `amendment`
entries. Raises ValueError, one clear line, for a meter, batch or entry the ledger does not know, or an amount without a
unit. Never: a guess which of two batches is meant.
"""

import difflib
from collections.abc import Iterator
from typing import Annotated, Literal

from annotated_types import Ge, Le, Len
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contract import amount_text, body, records
from contract.entry import Count, Hash, Name
from contract.entry import read as read_entry
from contract.errors import Malformed
from contract.late_records import LatePart
from contract.manual_records import AmendmentPart, CounterPlace, EntryRef, InvoicePart, QuantityPart, ReadingPart
from contract.problems import suggest
from contract.records import AmountPart, BatchPart
from gateway import manual
from gateway.ledger import Ledger, LedgerEntry
from gateway.spool import ALL_TIME, Kind, Kinds
from gateway.trust import GATEWAY, shown_parts

BATCH_TYPES = ("batch", "late_batch")
HINT_MAX = 300  # a plant has more counters than fit a line


def _digest(given: str) -> str:
    if len(given) != 64 or set(given) - set("0123456789abcdef"):
        raise ValueError("write the 64 hexadecimal digits of a SHA-256")
    return given


Line = Annotated[str, Len(1, 200)]
Digest = Annotated[str, AfterValidator(_digest)]
TimeNs = Annotated[int, Ge(-(2**62)), Le(2**62)]


class Filing(BaseModel):
    """What every filing says: who, why, and when it was entered."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    author: Name
    reason: Line
    entered_ns: TimeNs


class ReadingFiling(Filing):
    """A counter read by hand."""

    agent: Name
    meter: Name
    point: Name
    text: Line
    multiplier: Annotated[int, Ge(1), Le(10**6)]
    earliest_ns: TimeNs
    latest_ns: TimeNs
    picture: Digest | None


class InvoiceFiling(Filing):
    """What a supplier billed; `counters` are AGENT/METER/POINT each."""

    supplier: Line
    number: Line
    carrier: Line
    text: Line
    from_ns: TimeNs
    to_ns: TimeNs
    counters: Annotated[tuple[Line, ...], Len(1, 64)]
    document: Digest | None


class BatchName(Filing):
    """A batch by the names people know it by."""

    agent: Name
    line: Name
    batch: Line


class QuantityFiling(BatchName):
    """What a batch gave."""

    role: Literal["good", "scrap", "rework"]
    text: Line
    method: Literal["metered", "reported"]
    instrument: Line | None
    evidence: Digest | None


class AmendmentFiling(Filing):
    """Another value for a batch's output (`batch` given), or for what an earlier filing said (`entry` and `number`)."""

    agent: Name | None
    line: Name | None
    batch: Line | None
    role: Literal["good", "scrap"] | None
    entry: Count | None
    number: Count = Field(default=0)
    text: Line


def reading(says: ReadingFiling, ledger: Ledger) -> list[bytes]:
    """The parts of a hand reading's entry."""
    written = _written("text", says.text, says.multiplier)
    if says.earliest_ns > says.latest_ns:
        raise ValueError("latest_ns: before earliest_ns: give the time of reading in order")
    if says.earliest_ns > says.entered_ns:
        raise ValueError("earliest_ns: has not passed yet: check the time of reading, and the clock of this machine")
    counter = _counter(ledger, says.agent, says.meter, says.point, written.unit)
    record = ReadingPart(
        counter=counter,
        text=says.text,
        multiplier=says.multiplier,
        value=written.amount,
        step=written.step,
        unit=written.unit,
        earliest_ns=says.earliest_ns,
        latest_ns=says.latest_ns,
        author=says.author,
        reason=says.reason,
        picture=_hash(says.picture),
        entered_ns=says.entered_ns,
    )
    return [records.write(record)]


def invoice(says: InvoiceFiling, ledger: Ledger) -> list[bytes]:
    """The parts of an invoice's entry."""
    written = _written("text", says.text)
    if says.from_ns >= says.to_ns:
        raise ValueError("to_ns: not after from_ns: give the billed period's start and end")
    if len(set(says.counters)) < len(says.counters):
        raise ValueError("counters: one of them is given twice: it would be counted twice")
    record = InvoicePart(
        supplier=says.supplier,
        number=says.number,
        carrier=says.carrier,
        text=says.text,
        amount=written.amount,
        step=written.step,
        unit=written.unit,
        from_ns=says.from_ns,
        to_ns=says.to_ns,
        counters=[_counter(ledger, *_place(name), written.unit) for name in says.counters],
        author=says.author,
        reason=says.reason,
        document=_hash(says.document),
        entered_ns=says.entered_ns,
    )
    return [records.write(record)]


def quantity(says: QuantityFiling, ledger: Ledger) -> list[bytes]:
    """The parts of a quantity's entry."""
    written = _written("text", says.text)
    if written.unit not in ("g_milli", "m3_micro", "one_milli"):
        raise ValueError(f"text: {says.text!r} is energy: give the batch's output, such as 7.82 t, 3.1 m3 or 480 piece")
    entry, _ = _batch(ledger, says.agent, says.line, says.batch)
    record = QuantityPart(
        batch=_named(entry),
        role=says.role,
        text=says.text,
        amount=written.amount,
        step=written.step,
        unit=written.unit,
        method=says.method,
        instrument=says.instrument,
        author=says.author,
        reason=says.reason,
        evidence=_hash(says.evidence),
        entered_ns=says.entered_ns,
    )
    return [records.write(record)]


def amendment(says: AmendmentFiling, ledger: Ledger) -> list[bytes]:
    """The parts of an amendment's entry."""
    entry, number, part = _amended(says, ledger)
    old, unit, multiplier = _stated(part)
    written = None if says.text == manual.UNKNOWN else _written("text", says.text, multiplier)
    if written is not None and written.unit != unit:
        fitting = ", ".join(name for name, (canonical, _) in amount_text.UNITS.items() if canonical == unit)
        raise ValueError(f"text: {says.text!r} cannot replace the value on record: give it in one of {fitting}")
    record = AmendmentPart(
        entry=_named(entry),
        number=number,
        text=says.text,
        unit=unit,
        old=old,
        new=None if written is None else written.amount,
        author=says.author,
        reason=says.reason,
        entered_ns=says.entered_ns,
    )
    if fault := manual.fault_of(record, part):
        raise ValueError(f"text: {fault}")
    return [records.write(record)]


KINDS: Kinds = {
    "reading": Kind(ReadingFiling, "manual", reading),
    "invoice": Kind(InvoiceFiling, "manual", invoice),
    "quantity": Kind(QuantityFiling, "quantity", quantity),
    "amendment": Kind(AmendmentFiling, "amendment", amendment),
}


def _written(key: str, text: str, multiplier: int = 1) -> amount_text.Written:
    try:
        return amount_text.parse(text, multiplier)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _hash(digest: str | None) -> Hash | None:
    return None if digest is None else bytes.fromhex(digest)


def _place(name: str) -> tuple[str, str, str]:
    match name.split("/"):
        case [agent, meter, point]:
            return agent, meter, point
    raise ValueError(f"counters: {name!r}: write AGENT/METER/POINT")


def _counter(ledger: Ledger, agent: str, meter: str, point: str, unit: str) -> CounterPlace:
    """A counter that some manifest of the ledger describes, and that counts in this unit."""
    from agent.aggregation import replay  # noqa: PLC0415 - numeric kernels take a second to import: not for a quantity

    known: dict[str, str] = {}
    for entry in ledger.select(["manifest"], *ALL_TIME):
        if entry.author != GATEWAY:
            try:
                counters = replay.counters(shown_parts(body.unpack(entry.body)))
            except (ValueError, ArithmeticError, LookupError):
                continue  # the verifier names it
            known |= {f"{entry.author}/{place[0]}/{place[1]}": counter.unit for place, counter in counters.items()}
    name = f"{agent}/{meter}/{point}"
    if name not in known:
        raise ValueError(f"{name}: no such counter in the ledger: {suggest(name, known)[:HINT_MAX]}")
    if known[name] != unit:
        raise ValueError(f"{name}: counts in {known[name]}, not in {unit}: check the unit")
    return CounterPlace(agent=agent, meter=meter, point=point)


def _batch(ledger: Ledger, agent: str, line: str, batch: str) -> tuple[LedgerEntry, int]:
    """The batch's entry and the number of its `batch` part; a record that a crash sealed twice is its first entry."""
    found: dict[tuple[object, object], tuple[LedgerEntry, int]] = {}
    names: set[str] = set()
    for entry, number, head, of in _batches(ledger):
        if (of, head.line) == (agent, line):
            names.add(head.batch)
            if head.batch == batch:
                found.setdefault((head.start, head.end), (entry, number))
    if not found:
        near = difflib.get_close_matches(batch, names, 1)
        hint = f"did you mean {near[0]}?" if near else "file it when the batch is closed, or correct its name"
        raise ValueError(f"batch {batch!r} of {agent}/{line}: not in the ledger yet: {hint}")
    if len(found) > 1:
        places = ", ".join(str(entry.index) for entry, _ in found.values())
        raise ValueError(f"batch {batch!r} of {agent}/{line}: several of this name, entries {places}: name the entry")
    return next(iter(found.values()))


def _batches(ledger: Ledger) -> Iterator[tuple[LedgerEntry, int, BatchPart, str]]:
    """Every batch: its entry, the number of its `batch` part, that part, and the agent whose line it ran on."""
    for entry in ledger.select(BATCH_TYPES, *ALL_TIME):
        try:
            parts = shown_parts(body.unpack(entry.body))
            number = next(n for n, part in enumerate(parts) if records.kind_of(part) == "batch")
            head = records.read(parts[number], BatchPart)
            agent = records.read(parts[0], LatePart).agent if entry.type == "late_batch" else entry.author
        except (Malformed, StopIteration):
            continue  # the verifier names it
        yield entry, number, head, agent


def _amended(says: AmendmentFiling, ledger: Ledger) -> tuple[LedgerEntry, int, bytes]:
    """The part that an amendment speaks of, with its entry and number."""
    if says.entry is not None:
        entry = next(iter(ledger.entries(says.entry, says.entry)), None)
        parts = [] if entry is None else shown_parts(body.unpack(entry.body))
        if entry is None or says.number >= len(parts):
            raise ValueError(f"entry {says.entry}: no part {says.number} there: check the number")
        return entry, says.number, parts[says.number]
    if says.agent is None or says.line is None or says.batch is None or says.role is None:
        raise ValueError("batch: missing: name agent, line, batch and role, or the entry")
    entry, first = _batch(ledger, says.agent, says.line, says.batch)
    for number, part in enumerate(shown_parts(body.unpack(entry.body))[first + 1 :], first + 1):
        if records.read(part, AmountPart).role == says.role:
            return entry, number, part
    raise ValueError(f"batch {says.batch!r}: no meter tells its {says.role} output: file a quantity instead")


def _stated(part: bytes) -> tuple[int | None, amount_text.Unit, int]:
    """What a part states: value, unit, multiplier."""
    kind = records.kind_of(part)
    if kind == "amount":
        amount = records.read(part, AmountPart)
        return amount.amount, amount.unit, 1
    if kind not in manual.KINDS:
        raise ValueError(f"a part of kind {kind} is not amendable: amend an amount, quantity, reading or invoice")
    record = records.read(part, manual.KINDS[kind])
    if isinstance(record, ReadingPart):
        return record.value, record.unit, record.multiplier
    return record.amount, record.unit, 1


def _named(entry: LedgerEntry) -> EntryRef:
    header = read_entry(entry.signed).header
    return EntryRef(author=header.author, epoch=header.epoch, seq=header.seq, hash=entry.hash)
