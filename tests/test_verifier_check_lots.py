"""Lots that a controller showed must be those that were read of it."""

import pytest
from agent_archive import factory_of, first_changed, made_of, read
from archive_maker import AGENT, failures, index_of
from lot_plant import lot_scan, works
from plant_in_memory import meter_scan

from contract import records
from verifier import check_batches, check_lots

ALL = check_batches.Period(0, 2**62)


@pytest.fixture(scope="module")
def works_ledger(tmp_path_factory):
    """The ledger of an agent over two runs of one name, with other lots each."""
    site = works(tmp_path_factory.mktemp("works"))
    site.start(0)
    shown = dict.fromkeys(range(5, 15), ("A", "C-7", 40)) | dict.fromkeys(range(20, 30), ("A", "C-8", 41))
    for k in range(1, 40):
        batch, coil, packs = shown.get(k, (None, "C-9", 0))
        site.take(k, [meter_scan(k), lot_scan(k, batch, coil=coil, packs=packs)])
    return made_of(site)


@pytest.fixture
def made(works_ledger):
    return factory_of(works_ledger)


def checked(made, period=ALL, **changes):
    """What the check says; `changes` are to the first batch's head."""
    seen, known, batches = read(made)
    found = check_lots.shown(seen, known, first_changed(batches, changes), period)
    return [(finding.ok, finding.text) for finding in found]


def test_an_agent_s_own_records_hold(made):
    assert failures(made) == []
    assert checked(made) == [(True, "lots of 2 batches are those that were read")]
    _, _, batches = read(made)
    assert [[lot.lot for lot in batch.head.inputs] for batch in batches] == [["C-7"], ["C-8"]]


def test_lots_that_were_not_read_are_named(made):
    _, _, (first, second) = read(made)
    assert checked(made, inputs=second.head.inputs) == [(False, "A: its inputs are not those that were read")]
    assert checked(made, outputs=None) == [(False, "A: its outputs are not those that were read")]
    assert checked(made, outputs=[]) == [(False, "A: its outputs are not those that were read")]
    assert checked(made, batch="B") == [(False, "B: states lots, but nothing on record says what was read of them")]
    assert checked(made, batch="B", inputs=None, outputs=None)[0][0]
    assert first.head.inputs != second.head.inputs


def test_a_quantity_that_no_reading_has_is_named(made):
    _, known, (first, *_) = read(made)
    detail = {"requested_ns": 0, "answered_ns": 10, "values": [["C-7", 1200], ["P-1", 40]]}
    event = records.EventPart(event="batch_lots", about="press", at_ns=10, detail=detail)
    stated = known.manifests[first.item.index]
    told = list(check_lots._faults(first, stated.lines["press"], stated, event, known))
    assert told == [
        f"press-plc/{name}: the quantity of a lot is not among the readings" for name in ("coil_kg", "packs")
    ]


@pytest.mark.parametrize("values", [[["C-7"], ["P-1", 40]], [["C-7", "1"], ["P-1", 40]], [["C-7", 1]], "no list", 7])
def test_an_event_that_does_not_say_what_was_read_is_named(made, values):
    _, known, (first, *_) = read(made)
    detail = {"requested_ns": 0, "answered_ns": 10, "values": values}
    event = records.EventPart(event="batch_lots", about="press", at_ns=10, detail=detail)
    stated = known.manifests[first.item.index]
    (fault,) = check_lots._faults(first, stated.lines["press"], stated, event, known)
    assert fault.startswith("its lots are not recomputable: ")


def test_events_withheld_leave_a_batch_of_the_period_unproved(made):
    made.ledger[index_of(made, AGENT, "event", 1)][1] = None
    assert (False, "A: not recomputable: an entry of events is withheld") in checked(made)
    # the other run began after what is withheld
    assert checked(made, check_batches.Period(0, 5)) == [(True, "lots of 1 batches are those that were read")]
