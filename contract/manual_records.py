"""What people say that no meter does: hand readings, invoices, a batch's quantities, and what corrects an earlier word.

In and out: records, written and read as those of records.py. Each names who says it and why, and keeps the words as
they were written beside the integer they mean. Nothing here replaces what it speaks of: readers weigh both.
"""

from typing import Literal

from pydantic import BaseModel, Field

from contract.amount_text import Unit
from contract.entry import RECORD, Count, Hash, Integer, Listed, Name, Nonce
from contract.records import Positive, Text


class CounterPlace(BaseModel):
    """A counter of one agent's meter, as the gateway names it."""

    model_config = RECORD
    agent: Name
    meter: Name
    point: Name


class EntryRef(BaseModel):
    """An entry in the ledger, by its place in its author's chain and its hash."""

    model_config = RECORD
    author: Name
    epoch: Nonce
    seq: Count
    hash: Hash


class ReadingPart(BaseModel):
    """A counter read by hand: what its display showed at some instant in [earliest_ns, latest_ns].

    The register then stood in [value, value + step]: a display leaves out what it has no digit for.
    """

    model_config = RECORD
    part: Literal["reading"] = "reading"
    counter: CounterPlace
    text: Text
    multiplier: Positive
    value: Count
    step: Positive
    unit: Unit
    earliest_ns: Integer
    latest_ns: Integer
    author: Name
    reason: Text
    picture: Hash | None
    entered_ns: Integer


class InvoicePart(BaseModel):
    """What a supplier billed for [from_ns, to_ns): `counters` are those whose sum it should be."""

    model_config = RECORD
    part: Literal["invoice"] = "invoice"
    supplier: Text
    number: Text
    carrier: Text
    text: Text
    amount: Count
    step: Positive
    unit: Unit
    from_ns: Integer
    to_ns: Integer
    counters: Listed[CounterPlace] = Field(min_length=1)
    author: Name
    reason: Text
    document: Hash | None
    entered_ns: Integer


class QuantityPart(BaseModel):
    """How much a batch gave: read from an instrument by a person (metered), or only reported."""

    model_config = RECORD
    part: Literal["quantity"] = "quantity"
    batch: EntryRef
    role: Literal["good", "scrap", "rework"]
    text: Text
    amount: Count
    step: Positive
    unit: Literal["g_milli", "m3_micro", "one_milli"]
    method: Literal["metered", "reported"]
    instrument: Text | None
    author: Name
    reason: Text
    evidence: Hash | None
    entered_ns: Integer


class AmendmentPart(BaseModel):
    """Another value for one figure of an entry's part: `old` is what the part says, `new` None if it is not known."""

    model_config = RECORD
    part: Literal["amendment"] = "amendment"
    entry: EntryRef
    number: Count
    text: Text
    unit: Unit
    old: Integer | None
    new: Count | None
    author: Name
    reason: Text
    entered_ns: Integer
