"""Acknowledgements: every member survives writing and reading, and a mistyped one is malformed."""

import pytest

from contract import cbor, records
from contract.acknowledgement_records import AcknowledgementPart
from contract.errors import Malformed
from contract.manual_records import EntryRef

SAID = AcknowledgementPart(
    entry=EntryRef(author="edge-1", epoch=bytes(16), seq=0, hash=bytes(32)),
    keeps="this",
    author="chen wei",
    reason="agent restored from last week's backup",
    entered_ns=1,
)


def test_an_acknowledgement_survives_writing_and_reading():
    data = records.write(SAID)
    assert records.kind_of(data) == "acknowledgement"
    assert records.read(data, AcknowledgementPart) == SAID


@pytest.mark.parametrize(("member", "value"), [("keeps", "both"), ("reason", ""), ("author", ""), ("entry", None)])
def test_a_mistyped_member_is_malformed(member, value):
    with pytest.raises(Malformed, match=member):
        records.read(cbor.encode({**SAID.model_dump(), member: value}), AcknowledgementPart)
