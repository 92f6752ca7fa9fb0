"""The part that says how a late batch came: kept word for word, refused without author or reason; declared edges."""

import pytest

from contract import cbor, records
from contract.errors import Malformed
from contract.late_records import LatePart

GIVEN = {
    "agent": "edge-1", "manifest": bytes(32), "ledger_size": 40, "way": "file", "file": "may.csv",
    "file_hash": bytes(32), "row": 7, "author": "Li", "reason": "the controller was off", "told_ns": 5, "lacking": [],
}  # fmt: skip
EDGE = {"earliest_ns": 5, "latest_ns": 9, "policy": "declared", "at_ns": 7, "half_width_ns": 2}
SEEN = {"requested_ns": 1, "answered_ns": 2, "source_ns": None}
OBSERVED = {"policy": "observed", "lag_ns": 0, "offset": None, "before": SEEN, "after": SEEN}
BATCH = {"part": "batch", "batch": "A", "line": "press", "product": "coil", "closed": "complete"}


def test_it_is_written_and_read_as_it_was_told():
    part = LatePart(**GIVEN)
    assert cbor.decode(records.write(part)) == {"part": "late", **GIVEN}
    assert records.read(records.write(part), LatePart) == part


@pytest.mark.parametrize("member", ["author", "reason"])
def test_nobody_and_no_reason_are_refused(member):
    with pytest.raises(Malformed, match=member):
        records.read(cbor.encode({"part": "late", **GIVEN, member: ""}), LatePart)


def test_a_batch_has_observed_or_declared_edges_and_nothing_between():
    written = cbor.encode({**BATCH, "start": EDGE, "end": EDGE})
    batch = records.read(written, records.BatchPart)
    assert batch.start == records.DeclaredEdge(**EDGE)
    assert records.write(batch) == written
    observed = cbor.encode({**BATCH, "start": {**OBSERVED, "earliest_ns": 1, "latest_ns": 2}, "end": EDGE})
    assert isinstance(records.read(observed, records.BatchPart).start, records.Edge)
    with pytest.raises(Malformed, match="policy"):
        records.read(cbor.encode({**BATCH, "start": {**EDGE, "policy": "guessed"}, "end": EDGE}), records.BatchPart)
    with pytest.raises(Malformed, match="lag_ns"):
        records.read(cbor.encode({**BATCH, "start": {**EDGE, "policy": "observed"}, "end": EDGE}), records.BatchPart)
