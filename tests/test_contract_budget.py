"""An amount's budget: what is not known stays null, and records of before it keep their bytes."""

import pytest

from contract import cbor, records
from contract.budget import Budget
from contract.errors import Malformed

PARTS = {
    "meter": 5, "certificate": 0, "ct": None, "pt": 0, "phase": 7, "resolution": 1, "start": 2, "end": None, "clock": 0,
    "offset": -3,
}  # fmt: skip
AMOUNT = {
    "role": "energy", "meter": "m1", "point": "energy", "unit": "wh_milli", "amount": 10, "lower": 9, "upper": 11,
    "u95": 4, "interpolated_ppm": 0, "anomalies": [],
}  # fmt: skip


def test_what_was_written_is_read_back():
    written = records.write(records.AmountPart(**AMOUNT, uncertainty=Budget(**PARTS)))
    assert records.read(written, records.AmountPart).uncertainty == Budget(**PARTS)


def test_a_record_without_it_has_no_such_member():
    written = records.write(records.AmountPart(**AMOUNT))
    assert b"uncertainty" not in written
    assert records.read(written, records.AmountPart).uncertainty is None


@pytest.mark.parametrize("fault", [{"meter": -1}, {"resolution": None}, {"offset": "3"}])
def test_a_budget_of_something_else_is_malformed(fault):
    data = cbor.encode({"part": "amount", **AMOUNT, "uncertainty": PARTS | fault})
    with pytest.raises(Malformed, match=r"AmountPart: uncertainty\."):
        records.read(data, records.AmountPart)
