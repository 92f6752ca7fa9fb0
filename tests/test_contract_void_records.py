"""Void ranges: every member survives writing and reading, and a mistyped one is malformed."""

import pytest

from contract import cbor, records
from contract.errors import Malformed
from contract.void_records import VoidPart

LOST = VoidPart(
    epoch=bytes(16), first=3, last=7, last_hash=bytes(32), from_ns=1, to_ns=2, cause="disk_full", detail="2026-11-29.db"
)


@pytest.mark.parametrize("last_hash", [None, bytes(32)], ids=["unknown", "known"])
def test_a_void_range_survives_writing_and_reading(last_hash):
    lost = LOST.model_copy(update={"last_hash": last_hash})
    data = records.write(lost)
    assert records.kind_of(data) == "void"
    assert records.read(data, VoidPart) == lost


@pytest.mark.parametrize("cause", ["disk_full", "damaged", "retired"])
def test_every_cause_is_understood(cause):
    lost = LOST.model_copy(update={"cause": cause})
    assert records.read(records.write(lost), VoidPart) == lost


@pytest.mark.parametrize(
    ("member", "value"), [("cause", "bored"), ("last", -1), ("last_hash", b"short"), ("epoch", None)]
)
def test_a_mistyped_member_is_malformed(member, value):
    with pytest.raises(Malformed, match=member):
        records.read(cbor.encode({**LOST.model_dump(), member: value}), VoidPart)
