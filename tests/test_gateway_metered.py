"""What counters counted, from a ledger: only readings under the same description, and only of counters that exist."""

import archive_maker as maker
import pytest
from test_gateway_export import Sealer

from gateway import metered, metering

PLACES = {("edge-1", "line1"), ("edge-1", "air1")}


@pytest.fixture
def ledger(tmp_path):
    made = maker.opened()
    maker.produced(made)
    opened = Sealer(made, tmp_path)
    yield opened.ledger
    opened.ledger.close()


def test_a_counter_over_any_window(ledger):
    count = metering.counting(metered.finding(metered.read(ledger, PLACES, *metered.ALL_TIME, ledger.size)))
    counted = count("edge-1", "line1", "energy_import", maker.T0 + 100 * maker.S, maker.T0 + 200 * maker.S)
    assert (counted.unit, counted.amount.amount) == ("wh_milli", 70_000)  # 10 steps of 7 Wh
    assert count("edge-1", "air1", "consumption", maker.FROM_NS, maker.TO_NS).unit == "m3_micro"
    assert count("edge-1", "line1", "energy_export", maker.FROM_NS, maker.TO_NS) is None


def test_only_what_stood_in_the_ledger_by_then(ledger):
    first = next(entry.index for entry in ledger.entries() if entry.type == "segment")
    count = metering.counting(metered.finding(metered.read(ledger, PLACES, *metered.ALL_TIME, first)))
    assert count("edge-1", "line1", "energy_import", maker.FROM_NS, maker.TO_NS) is None


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (("edge-1", "line2", "energy_import"), "edge-1 has no counter line2/energy_import: did you mean line1/"),
        (("edge-9", "line1", "energy_import"), "edge-9 has no counter line1/energy_import: start its agent first"),
    ],
)
def test_a_counter_that_is_not_there_is_named(ledger, place, why):
    known = metered.read(ledger, PLACES, *metered.ALL_TIME, ledger.size)
    metered.check(known, "virtual.rest.formula", [("edge-1", "line1", "energy_import")])
    with pytest.raises(ValueError, match=f"virtual.rest.formula: {why}"):
        metered.check(known, "virtual.rest.formula", [place])
