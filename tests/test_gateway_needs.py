"""What batches' starts rest on is asked for on the way of their own epoch alone."""

import pytest
from lineage_plant import Line, begun
from plant_in_memory import S, at_ns

from gateway import needs
from gateway.metered import ALL_TIME
from gateway.needs import Need


@pytest.fixture
def plant(tmp_path):
    """An agent that read until round 39, and was restored as it had been in round 10."""
    gateway, line = begun(tmp_path)
    line.run(1, 11).deliver()
    old = line.site.copy(tmp_path / "backup")
    line.run(11, 40).deliver()
    line.stop()
    again = Line(old, gateway).start(40).run(41, 90).deliver()
    again.stop()
    yield gateway.ledger, line, again
    gateway.ledger.close()


def test_a_batch_needs_two_readings_of_each_of_its_counters_before_its_start(plant):
    ledger, _, again = plant
    batches = [one for one in ledger.select(("batch",), *ALL_TIME) if one.epoch.hex().startswith(again.epoch)]
    waiting = needs.needs(ledger, batches[-1:], ledger.size)
    assert {(need.meter, need.point) for need in waiting} == {("press", "energy"), ("press-plc", "produced")}
    assert {need.start_ns for need in waiting} == {at_ns(61) + S // 2}  # the last look before batch E
    assert not needs.lacks(ledger, waiting, at_ns(50), ledger.size)
    assert needs.lacks(ledger, waiting, at_ns(66), ledger.size)


def test_readings_of_another_branch_meet_no_need(plant):
    ledger, line, again = plant
    (need, *_) = needs.needs(ledger, list(ledger.select(("batch",), *ALL_TIME))[-1:], ledger.size)
    for epoch, is_met in ((line, True), (again, False)):
        (of,) = {one.epoch for one in ledger.select(("segment",), *ALL_TIME) if one.epoch.hex().startswith(epoch.epoch)}
        soon = Need("edge-1", of, need.configuration, "press", "energy", at_ns(36), at_ns(0))
        assert needs.lacks(ledger, [soon], at_ns(20), ledger.size) is not is_met
        assert not needs.lacks(ledger, [soon], at_ns(5), ledger.size)
