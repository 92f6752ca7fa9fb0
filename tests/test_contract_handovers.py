"""Hand-over readings: written and read back, refused out of range, left out where there are none."""

import pytest

from contract import cbor, records
from contract.errors import Malformed
from contract.handovers import Handover

METER = {
    "part": "meter", "meter": "press", "installation": "2", "address": "unit 1", "base": "0", "profile": bytes(32),
    "serial": "2002", "serial_is": "read", "accuracy_class": None, "ct": None, "pt": None, "certificate": None,
    "declared": [], "power_max_w": None,
}  # fmt: skip
NOTED = {
    "point": "energy", "before": "45821.3", "after": "0.0", "at_ns": 10**18, "within_ns": 60 * 10**9,
    "serial_before": "1001", "source": "work order 17",
}  # fmt: skip


def test_they_are_read_back():
    (found,) = records.read(cbor.encode(METER | {"handover": [NOTED]}), records.MeterPart).handover
    assert found == Handover(**NOTED)
    assert (found.first_ns, found.last_ns) == (10**18 - 60 * 10**9, 10**18 + 60 * 10**9)


def test_a_meter_without_any_keeps_its_bytes():
    assert records.write(records.MeterPart(**METER)) == cbor.encode(METER)
    assert records.write(records.MeterPart(**METER, handover=[Handover(**NOTED)])) != cbor.encode(METER)


@pytest.mark.parametrize(
    "fault",
    [{"before": "1e9"}, {"before": "1."}, {"after": " 1"}, {"after": "+1"}, {"after": "1\n"}, {"within_ns": -1},
     {"within_ns": 25 * 3600 * 10**9}, {"at_ns": 0}, {"serial_before": ""}, {"source": ""}],
)  # fmt: skip
def test_what_nobody_can_have_noted_is_malformed(fault):
    with pytest.raises(Malformed, match=r"MeterPart: handover\.0\."):
        records.read(cbor.encode(METER | {"handover": [NOTED | fault]}), records.MeterPart)
