"""Lots that a controller shows: what was read last while the batch ran, on record, and the same after a restart."""

import pytest
from lot_plant import lot_scan, works
from plant_in_memory import meter_scan

from contract.lots import Lot


@pytest.fixture
def site(tmp_path):
    made = works(tmp_path)
    made.start(0)
    yield made
    made.stop()


def rounds(site, looks):
    for k, look in looks.items():
        site.take(k, [meter_scan(k), look])


def one_batch(site):
    ((head, _),) = site.history().batches()
    return head


def run(first, last, **shown):
    return {k: lot_scan(k, "A", **shown) for k in range(first, last)}


def idle(first, last):
    return {k: lot_scan(k, None, coil="C-8", kg=5, packs=99) for k in range(first, last)}


def test_the_last_look_at_the_batch_counts_and_not_what_is_shown_after_it(site):
    rounds(site, idle(1, 5) | run(5, 10, kg=1100, packs=1) | run(10, 15, packs=40) | idle(15, 20))
    head = one_batch(site)
    assert head.inputs == [
        Lot(lot="C-7", quantity=1_200_000_000, unit="g_milli", source="metered", instrument="scale 4")
    ]
    assert head.outputs == [Lot(lot="P-1", quantity=40_000, unit="one_milli", source="reported", kind="good")]
    (event,) = [event for event in site.history().events() if event.event == "batch_lots"]
    assert (event.about, event.detail["batch"]) == ("press", "A")
    assert event.detail["values"] == [["C-7", 1200], ["P-1", 40]]
    assert event.detail["answered_ns"] == lot_scan(14, "A")[1].answered_ns
    assert event.detail["edge"] == head.end.model_dump()


def test_what_has_no_value_leaves_its_side_unknown(site):
    rounds(site, idle(1, 5) | run(5, 15, kg=None, packs=40) | idle(15, 20))
    head = one_batch(site)
    assert (head.inputs, [lot.quantity for lot in head.outputs]) == (None, [40_000])


def test_what_was_read_survives_a_restart(site):
    rounds(site, idle(1, 5) | run(5, 10, packs=40))
    site.stop()
    site.start(10)
    rounds(site, idle(11, 18))
    assert [lot.quantity for lot in one_batch(site).outputs] == [40_000]


def test_a_line_that_shows_none_states_none(site):
    line = site.plan.config.line[0].model_copy(update={"lots": ()})
    assert site.plan.config.line[0].lots
    site.plan = type(site.plan)(
        site.plan.config.model_copy(update={"line": (line,)}), site.plan.buses, site.plan.meters, bytes(32)
    )
    site.stop()
    site.start(0)
    rounds(site, idle(1, 5) | run(5, 10) | idle(10, 15))
    head = one_batch(site)
    assert (head.inputs, head.outputs) == (None, None)
    assert "batch_lots" not in [event.event for event in site.history().events()]
