"""A batch record from edges and readings: roles in order, complete only where nothing can change any more."""

import pytest
from plant_in_memory import Site, at_ns, meter_scan, plc_scan

from agent import closing, columns, manifest
from agent.aggregation.edges import edge
from agent.batches import Ended, Running
from agent.looks import look
from contract import records
from contract.segment import TICK_NS

S = 1_000_000_000


@pytest.fixture
def stated(tmp_path):
    plan = Site.at(tmp_path).plan
    return manifest.read(manifest.parts(plan.meters, plan.config.line)), plan.config.line[0]


def ended(line, start, end):
    seen = [look(line, plc_scan(k, None)[1]).seen for k in (start - 1, start, end - 1, end)]
    return Ended(Running("A", "coil", edge(seen[0], seen[1], 0, None)), edge(seen[2], seen[3], 0, None))


def made(stated, batch, rounds, *, complete=True):
    scans = [scan for k in rounds for scan in (meter_scan(k), plc_scan(k, None))]
    by_meter = {}
    for segment in columns.segments(scans, stated.texts):
        by_meter.setdefault(segment.meter, []).append(segment)
    parts = closing.parts(stated.lines["press"], batch, stated.counters, by_meter, complete=complete)
    return records.read(parts[0], records.BatchPart), [records.read(p, records.AmountPart) for p in parts[1:]], by_meter


def test_the_record_worked_out_by_hand(stated):
    stated, line = stated
    head, amounts, _ = made(stated, ended(line, 5, 15), range(1, 20))
    assert (head.batch, head.product, head.line, head.closed) == ("A", "coil", "press", "complete")
    energy, good = amounts
    assert (energy.role, energy.meter, energy.point, energy.unit, energy.amount) == (
        "energy", "press", "energy", "wh_milli", 70_000,
    )  # fmt: skip
    assert (good.role, good.unit, good.amount) == ("good", "g_milli", 30_000_000)
    # the edges are 4.5..5.512 s and 14.5..15.512 s; a Wh step; readings at whole seconds, up to 0.5 s old:
    #   lower at the end is reading 14, upper at the start reading 7 (6.0 < 5.512 + 0.5) plus a step: 48 Wh
    #   upper at the end is reading 17 plus a step, lower at the start reading 4: 92 Wh
    assert (energy.lower, energy.upper) == (48_000, 92_000)


def test_it_is_settled_by_the_reading_whose_register_must_be_younger_than_the_end(stated):
    stated, line = stated
    batch = ended(line, 5, 15)
    due_ns = closing.settled_ns(batch, stated.counters["press", "energy"])
    assert due_ns == plc_scan(15, None)[1].answered_ns + S // 2
    for last, settled in ((15, False), (16, False), (17, True)):
        scans = [scan for k in range(1, last + 1) for scan in (meter_scan(k), plc_scan(k, None))]
        segments = columns.segments(scans, stated.texts)
        known = {
            place: closing.readings(stated.counters[place], [s for s in segments if s.meter == place[0]])
            for place in closing.places(stated.lines["press"])
        }
        assert closing.is_settled(stated.lines["press"], batch, stated.counters, known) == settled
    assert at_ns(17) // TICK_NS * TICK_NS >= due_ns > at_ns(16)


def test_without_an_amount_it_is_never_complete_and_never_zero(stated):
    stated, line = stated
    head, amounts, _ = made(stated, ended(line, 5, 15), range(8, 20))
    assert head.closed == "incomplete"
    assert [one.amount for one in amounts] == [None, None]
    told = closing.outcome([records.write(one) for one in (head, *amounts)])
    assert told == "closed=incomplete lacking=press/energy,press-plc/produced"
    head, _, _ = made(stated, ended(line, 5, 15), range(1, 20), complete=False)
    assert head.closed == "incomplete"


def test_readings_beyond_the_last_that_matters_change_nothing(stated):
    stated, line = stated
    batch = ended(line, 5, 15)
    for first, last in ((3, 18), (1, 30)):
        assert made(stated, batch, range(first, last))[:2] == made(stated, batch, range(2, 25))[:2]
