"""What people say survives being written and read, and lacks neither unit nor author."""

import pytest

from contract import cbor, records
from contract.errors import Malformed
from contract.manual_records import AmendmentPart, CounterPlace, EntryRef, InvoicePart, QuantityPart, ReadingPart

PLACE = CounterPlace(agent="edge-1", meter="main", point="energy_import")
REF = EntryRef(author="edge-1", epoch=bytes(16), seq=4, hash=bytes(32))
SAID = {"author": "Li Wei", "reason": "meter offline", "entered_ns": 9}
RECORDS = [
    ReadingPart(
        counter=PLACE, text="12345.6 kWh", multiplier=1, value=12_345_600_000, step=100_000, unit="wh_milli",
        earliest_ns=1, latest_ns=2, picture=bytes(32), **SAID,
    ),
    InvoicePart(
        supplier="Grid", number="2026-11", carrier="electricity", text="5 MWh", amount=5 * 10**9, step=10**9,
        unit="wh_milli", from_ns=0, to_ns=9, counters=[PLACE], document=None, **SAID,
    ),
    QuantityPart(
        batch=REF, role="good", text="7.8 t", amount=7_800_000_000, step=100_000_000, unit="g_milli",
        method="reported", instrument=None, evidence=None, **SAID,
    ),
    AmendmentPart(entry=REF, number=2, text="7.8 t", unit="g_milli", old=None, new=7_800_000_000, **SAID),
]  # fmt: skip
EACH = pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.part)


@EACH
def test_written_and_read(record):
    data = records.write(record)
    assert records.read(data, type(record)) == record
    assert records.kind_of(data) == record.part


@EACH
@pytest.mark.parametrize("member", ["unit", "author", "reason", "entered_ns"])
def test_nothing_is_said_without_unit_author_and_reason(record, member):
    fields = cbor.decode(records.write(record))
    del fields[member]
    with pytest.raises(Malformed, match=member):
        records.read(cbor.encode(fields), type(record))


@pytest.mark.parametrize(("record", "member"), list(zip(RECORDS, ("value", "amount", "amount", "new"), strict=True)))
@pytest.mark.parametrize("value", [True, -1, "1"])
def test_amounts_are_integers_from_zero(record, member, value):
    fields = cbor.decode(records.write(record)) | {member: value}
    with pytest.raises(Malformed, match=member):
        records.read(cbor.encode(fields), type(record))


def test_an_invoice_names_a_counter():
    fields = cbor.decode(records.write(RECORDS[1])) | {"counters": []}
    with pytest.raises(Malformed, match="counters"):
        records.read(cbor.encode(fields), InvoicePart)
