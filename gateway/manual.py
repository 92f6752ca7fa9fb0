"""What people said of batches, weighed: which amendment holds, which quantity fills a gap, and which is only kept.

In: the gateway's entries with manual records, in ledger order, and the parts of batch entries. Out: batches with every
figure a person gave, and who gave it. Never: a hand figure in place of a meter's, unless an amendment says so openly; a
figure that is silently not used.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from contract import amount_text, records
from contract.errors import Malformed
from contract.manual_records import AmendmentPart, InvoicePart, QuantityPart, ReadingPart
from contract.records import AmountPart
from gateway import attribution
from gateway.batch_facts import OUTPUTS, BatchFacts, OutputUnit
from gateway.statement import ByHand

TYPES = ("manual", "quantity", "amendment")  # of the gateway's entries
KINDS: dict[str, type[ReadingPart | InvoicePart | QuantityPart]] = {
    "reading": ReadingPart,
    "invoice": InvoicePart,
    "quantity": QuantityPart,
}
AMENDABLE = ("good", "scrap")
UNKNOWN = "unknown"  # the text of an amendment that withdraws a value
TOLD = ("metered", "reported")  # how a quantity was come by

Hand = TypeVar("Hand", ReadingPart, InvoicePart, QuantityPart)


@dataclass(frozen=True, slots=True)
class Told:
    """An entry of the gateway: its ledger index, its hash, its parts."""

    index: int
    hash: bytes
    parts: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Amendment:
    """An amendment, and the ledger index of its entry."""

    index: int
    said: AmendmentPart


@dataclass(frozen=True, slots=True)
class Given(Generic[Hand]):
    """A record, the ledger index of its entry, and the amendment that holds over it."""

    index: int
    record: Hand
    amendment: Amendment | None


@dataclass(frozen=True, slots=True)
class Manual:
    """All that people said, in ledger order; amendments by (entry's hash, number of the part), the latest of each."""

    readings: tuple[Given[ReadingPart], ...] = ()
    invoices: tuple[Given[InvoicePart], ...] = ()
    quantities: tuple[Given[QuantityPart], ...] = ()
    amendments: Mapping[tuple[bytes, int], Amendment] = field(default_factory=dict)


def read(entries: Iterable[Told]) -> Manual:
    """Take manual entries apart. A part that cannot be read is left out; the verifier names it."""
    amendments: dict[tuple[bytes, int], Amendment] = {}
    found: list[tuple[Told, int, ReadingPart | InvoicePart | QuantityPart]] = []
    for entry in entries:
        for number, part in enumerate(entry.parts):
            try:
                kind = records.kind_of(part)
                if kind == "amendment":
                    said = records.read(part, AmendmentPart)
                    amendments[said.entry.hash, said.number] = Amendment(entry.index, said)
                elif kind in KINDS:
                    found.append((entry, number, records.read(part, KINDS[kind])))
            except Malformed:
                continue
    return Manual(
        tuple(_given(found, amendments, ReadingPart)),
        tuple(_given(found, amendments, InvoicePart)),
        tuple(_given(found, amendments, QuantityPart)),
        amendments,
    )


def batch(agent: str, entry_hash: bytes, parts: Sequence[bytes], manual: Manual, *, late: bool = False) -> BatchFacts:
    """A batch as its record says it, with what people said of it. Raises Malformed.

    `late`: the parts are a late batch's, whose first names the agent.
    """
    head = 2 if late else 1  # parts that come before the amounts
    metered = _facts(agent, parts, late=late)
    rows: list[ByHand] = []
    amended = [
        *parts[:head],
        *(
            _amended(part, manual.amendments.get((entry_hash, number)), metered, rows)
            for number, part in enumerate(parts[head:], head)
        ),
    ]
    facts = _facts(agent, amended, late=late)
    for quantity in manual.quantities:
        if quantity.record.batch.hash == entry_hash:
            facts = _with_quantity(facts, quantity, metered, rows)
    known, before = (any(one.good(unit) is not None for unit in OUTPUTS) for one in (facts, metered))
    if known and not before and _lacks_output_alone(parts[head:]):
        facts = replace(facts, complete=True)
    return replace(facts, by_hand=tuple(rows))


def _facts(agent: str, parts: Sequence[bytes], *, late: bool) -> BatchFacts:
    return attribution.late_facts(parts) if late else attribution.facts(agent, parts)


def fault_of(said: AmendmentPart, part: bytes) -> str | None:
    """Why an amendment does not fit the part it names, or None if it does."""
    kind, multiplier = records.kind_of(part), 1
    try:
        if kind == "amount":
            amount = records.read(part, AmountPart)
            if amount.role not in AMENDABLE:
                return f"a meter's {amount.role} is not amendable"
            stated = amount.amount, amount.unit
        elif kind in KINDS:
            record = records.read(part, KINDS[kind])
            if isinstance(record, ReadingPart):
                multiplier, stated = record.multiplier, (record.value, record.unit)
            else:
                stated = record.amount, record.unit
        else:
            return f"a part of kind {kind} is not amendable"
        written = None if said.text == UNKNOWN else amount_text.parse(said.text, multiplier)
    except ValueError as error:  # Malformed is one
        return str(error)
    if (said.old, said.unit) != stated:
        return f"states {said.old} {said.unit} as the old value; the part says {stated[0]} {stated[1]}"
    due = (None, said.unit) if written is None else (written.amount, written.unit)
    return None if (said.new, said.unit) == due else f"{said.text!r} is not {said.new} {said.unit}"


def _given(
    found: Sequence[tuple[Told, int, object]],
    amendments: Mapping[tuple[bytes, int], Amendment],
    kind: type[Hand],
) -> Iterable[Given[Hand]]:
    for entry, number, record in found:
        if not isinstance(record, kind):
            continue
        holds = amendments.get((entry.hash, number))
        if holds is not None and fault_of(holds.said, entry.parts[number]):
            holds = None
        yield Given(entry.index, record, holds)


def _amended(part: bytes, amendment: Amendment | None, metered: BatchFacts, rows: list[ByHand]) -> bytes:
    """The part with the amended figure, which has neither bounds nor uncertainty."""
    if amendment is None:
        return part
    said, amount, fault = amendment.said, records.read(part, AmountPart), fault_of(amendment.said, part)
    rows.append(
        ByHand(
            amendment.index,
            metered.agent,
            metered.line,
            metered.batch,
            amount.role,
            "amendment",
            said.unit,
            amount.amount,
            said.new,
            fault,
            said.author,
            said.reason,
        )
    )
    if fault is not None:
        return part
    unknown = dict.fromkeys(("lower", "upper", "u95", "uncertainty", "corrected"))
    return records.write(amount.model_copy(update={"amount": said.new, **unknown}))


def _with_quantity(
    facts: BatchFacts, given: Given[QuantityPart], metered: BatchFacts, rows: list[ByHand]
) -> BatchFacts:
    """The batch with a quantity told by hand, where nothing else tells it; a later one replaces an earlier."""
    record, amendment = given.record, given.amendment
    words = record if amendment is None else amendment.said
    amount = record.amount if amendment is None else amendment.said.new
    unused = _unused(record, amount, facts, rows)
    if unused is None:
        for index, row in enumerate(rows):
            if _holds(row, record):
                rows[index] = replace(row, unused="a later one holds")
        facts = _filled(facts, record, amount)
    rows.append(
        ByHand(
            given.index if amendment is None else amendment.index,
            facts.agent,
            facts.line,
            facts.batch,
            record.role,
            record.method,
            record.unit,
            _figure(metered, record),
            amount,
            unused,
            words.author,
            words.reason,
        )
    )
    return facts


def _unused(record: QuantityPart, amount: int | None, facts: BatchFacts, rows: Sequence[ByHand]) -> str | None:
    """Why a quantity told by hand does not count, or None if it does."""
    if record.role not in AMENDABLE:
        return "no figure counts rework"
    if record.unit not in OUTPUTS:
        return "not a mass"
    if amount is None:
        return "withdrawn"
    if not any(_holds(row, record) for row in rows) and _figure(facts, record) is not None:
        return "a meter tells it: amend that"
    return None


def _holds(row: ByHand, record: QuantityPart) -> bool:
    """Whether a quantity told before is the one that this one would replace."""
    return (row.role, row.unit, row.unused) == (record.role, record.unit, None) and row.how in TOLD


def _filled(facts: BatchFacts, record: QuantityPart, amount: int | None) -> BatchFacts:
    if record.unit == "one_milli":
        return (
            replace(facts, good_one_milli=amount) if record.role == "good" else replace(facts, scrap_one_milli=amount)
        )
    return replace(facts, good_g_milli=amount) if record.role == "good" else replace(facts, scrap_g_milli=amount)


def _figure(facts: BatchFacts, record: QuantityPart) -> int | None:
    unit: OutputUnit = "one_milli" if record.unit == "one_milli" else "g_milli"
    return {"good": facts.good(unit), "scrap": facts.scrap(unit)}.get(record.role)


def _lacks_output_alone(amounts: Sequence[bytes]) -> bool:
    """Whether all energy was read beyond the batch's end, so that only its output kept the record incomplete."""
    energy = [amount for amount in (records.read(part, AmountPart) for part in amounts) if amount.role == "energy"]
    return bool(energy) and all(None not in (amount.amount, amount.lower, amount.upper) for amount in energy)
