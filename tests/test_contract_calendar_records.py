"""A calendar as written and as stated mean the same."""

import pytest
from test_contract_calendar_form import MEANT, TOML, read

from contract import cbor, records
from contract.calendar_records import CalendarPart, stated
from contract.errors import Malformed


def test_a_manifest_states_the_same():
    part = records.read(records.write(stated(read(TOML))), CalendarPart)
    assert (part.zone, part.calendar) == ("Asia/Shanghai", MEANT)


@pytest.mark.parametrize(
    "change", [{"zone": "Mars/Base"}, {"day_start": "7"}, {"holidays": [{"date": "2026-02-30", "name": "none"}]}]
)
def test_a_part_that_means_nothing_is_malformed(change):
    part = stated(read(TOML)).model_dump() | change
    with pytest.raises(Malformed):
        records.read(cbor.encode(part), CalendarPart)
