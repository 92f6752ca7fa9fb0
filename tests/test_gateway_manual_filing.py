"""Filings become records only where the ledger knows what they speak of; every refusal is one line."""

import archive_maker as maker
import hand
import pytest
from test_gateway_export import Sealer

from contract import records
from contract.manual_records import AmendmentPart, InvoicePart, QuantityPart, ReadingPart
from gateway.manual_filing import KINDS

SAID = {"author": "Li Wei", "reason": "scale 2 was off", "entered_ns": maker.TO_NS}
NAMES = {"agent": "edge-1", "line": "line1", "batch": "L1-0001"}
READING = {
    "agent": "edge-1", "meter": "line1", "point": "energy_import", "text": "5.1 kWh", "multiplier": 1,
    "earliest_ns": 5, "latest_ns": 6, "picture": None, **SAID,
}  # fmt: skip
INVOICE = {
    "supplier": "Grid", "number": "7", "carrier": "electricity", "text": "5 kWh", "from_ns": 1, "to_ns": 2,
    "counters": ("edge-1/line1/energy_import",), "document": "ab" * 32, **SAID,
}  # fmt: skip
QUANTITY = {
    **NAMES, "role": "good", "text": "90 kg", "method": "reported", "instrument": None, "evidence": None, **SAID,
}  # fmt: skip
AMENDMENT = {**NAMES, "role": "good", "entry": None, "number": 0, "text": "80 kg", **SAID}
BY_ENTRY = dict.fromkeys((*NAMES, "role"))


@pytest.fixture
def sealer(tmp_path):
    made = maker.opened()
    maker.produced(made)
    opened = Sealer(made, tmp_path)
    yield opened
    opened.ledger.close()


def made(sealer, kind, record, words, **changes):
    """The record that a filing becomes."""
    says = KINDS[kind].says.model_validate({**words, **changes})
    (part,) = KINDS[kind].parts(says, sealer.ledger)
    return records.read(part, record)


def test_a_reading(sealer):
    read = made(sealer, "reading", ReadingPart, READING, multiplier=40)
    assert (read.value, read.step, read.unit) == (204_000_000, 4_000_000, "wh_milli")
    assert (read.counter.agent, read.counter.meter, read.earliest_ns, read.latest_ns) == ("edge-1", "line1", 5, 6)
    assert (read.author, read.reason, read.picture) == ("Li Wei", "scale 2 was off", None)


def test_an_invoice(sealer):
    billed = made(sealer, "invoice", InvoicePart, INVOICE)
    assert (billed.amount, billed.counters[0].meter, billed.document) == (5_000_000, "line1", b"\xab" * 32)


def test_a_quantity_may_be_in_pieces(sealer):
    told = made(sealer, "quantity", QuantityPart, QUANTITY, text="480 piece")
    assert (told.amount, told.step, told.unit) == (480_000, 1_000, "one_milli")


def test_a_quantity_names_its_batch_s_entry(sealer):
    told = made(sealer, "quantity", QuantityPart, QUANTITY)
    assert told.batch == hand.batch_ref(sealer.made)
    assert (told.amount, told.step, told.unit) == (90_000_000, 1_000_000, "g_milli")


def test_an_amendment_finds_the_part_and_its_old_value(sealer):
    told = made(sealer, "amendment", AmendmentPart, AMENDMENT)
    assert told == hand.amendment(hand.batch_ref(sealer.made), 84_000_000, "80 kg")
    withdrawn = made(sealer, "amendment", AmendmentPart, AMENDMENT, text="unknown")
    assert withdrawn.new is None


def test_an_earlier_filing_is_amended_by_its_entry(sealer):
    index = hand.say(sealer.made, "manual", hand.reading("5.1 kWh", 5, multiplier=40))
    sealer.append()
    told = made(sealer, "amendment", AmendmentPart, AMENDMENT, **BY_ENTRY, entry=index, text="5.2 kWh")
    assert (told.old, told.new, told.entry) == (204_000_000, 208_000_000, hand.ref(sealer.made, index))


def test_a_batch_sealed_twice_by_a_crash_is_its_first_entry(sealer):
    maker.add_batch(sealer.made, "L1-0001")
    sealer.append()
    assert made(sealer, "quantity", QuantityPart, QUANTITY).batch == hand.batch_ref(sealer.made)


@pytest.mark.parametrize(
    ("kind", "words", "changes", "why"),
    [
        ("reading", READING, {"text": "5.1"}, "text: '5.1': write a number with a point and its unit"),
        ("reading", READING, {"text": "5 m3"}, "counts in wh_milli, not in m3_micro"),
        ("reading", READING, {"meter": "line2"}, "no such counter in the ledger: did you mean edge-1/line1/"),
        ("reading", READING, {"latest_ns": 4}, "latest_ns: before earliest_ns"),
        ("reading", READING, {"entered_ns": 4}, "earliest_ns: has not passed yet"),
        ("invoice", INVOICE, {"counters": ("line1",)}, "write AGENT/METER/POINT"),
        ("invoice", INVOICE, {"to_ns": 1}, "to_ns: not after from_ns"),
        ("invoice", INVOICE, {"counters": INVOICE["counters"] * 2}, "counters: one of them is given twice"),
        ("quantity", QUANTITY, {"text": "90"}, "its unit"),
        ("quantity", QUANTITY, {"text": "9 kWh"}, "is energy"),
        ("quantity", QUANTITY, {"batch": "L1-0003"}, "not in the ledger yet: did you mean L1-000"),
        ("amendment", AMENDMENT, {"role": "scrap"}, "no meter tells its scrap output: file a quantity instead"),
        (
            "amendment",
            AMENDMENT,
            {"text": "80 kWh"},
            "'80 kWh' cannot replace the value on record: give it in one of g, kg, t",
        ),
        ("amendment", AMENDMENT, {"batch": None}, "batch: missing"),
        ("amendment", AMENDMENT, {"entry": 10**6}, "no part 0 there"),
        ("amendment", AMENDMENT, {"entry": 0}, "a part of kind author is not amendable"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(sealer, kind, words, changes, why):
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        made(sealer, kind, records.BatchPart, words, **changes)
    assert why in str(caught.value)


def test_two_batches_of_one_name_are_not_guessed_between(sealer, monkeypatch):
    monkeypatch.setitem(maker.BATCHES, "L1-0001", (83, 91))
    maker.add_batch(sealer.made, "L1-0001")
    sealer.append()
    with pytest.raises(ValueError, match="several of this name"):
        made(sealer, "quantity", QuantityPart, QUANTITY)
