"""A batch's record from declared edges and readings; why it is incomplete, counter by counter."""

import numpy as np
from archive_maker import T0, S, manifest_parts

from agent.aggregation import batch_record, replay
from agent.aggregation.batch_record import Run
from contract import records

LINE = next(records.read(p, records.LinePart) for p in manifest_parts() if records.kind_of(p) == "line")
COUNTERS = replay.counters(manifest_parts())
ENERGY, GOOD = ("line1", "energy_import"), ("scale1", "good")


def declared(seconds, half_s=2):
    at = T0 + seconds * S
    return records.DeclaredEdge(
        earliest_ns=at - half_s * S, latest_ns=at + half_s * S, at_ns=at, half_width_ns=half_s * S
    )


def read(first, last, raws=lambda k: 5000 + 7 * k):
    """A reading every 10 s, asked and answered at once."""
    at = np.array([T0 + 10 * k * S for k in range(first, last)], np.int64)
    return replay.Readings(at, at, tuple(raws(k) for k in range(first, last)), ())


def made(run, energy, good):
    known = {ENERGY: energy, GOOD: good}
    lacking = batch_record.lacking(LINE, run, COUNTERS, known)
    head, *amounts = batch_record.record(LINE, run, COUNTERS, known, complete=not lacking)
    return (
        lacking,
        records.read(head, records.BatchPart),
        {one.role: one for one in (records.read(part, records.AmountPart) for part in amounts)},
    )


def test_a_declared_window_has_an_amount_and_bounds():
    run = Run("A", "coil", declared(100), declared(200))
    lacking, head, amounts = made(run, read(0, 40), read(0, 40, lambda k: 100 + 3 * k))
    assert (lacking, head.closed, head.start, head.end) == ([], "complete", run.start, run.end)
    # 7 Wh and 3 kg each 10 s. The start lies in 98..102 s, registers are up to 1 s old: readings 9 (5063 Wh) and 11
    # (5077 Wh, one step more); the end in 198..202 s: readings 19 (5133 Wh) and 21 (5147 Wh, one step more)
    energy, good = amounts["energy"], amounts["good"]
    assert (energy.amount, energy.lower, energy.upper) == (70_000, 55_000, 85_000)
    assert good.amount == 30_000_000


def test_what_is_lacking_is_said_and_nothing_is_filled():
    run = Run("A", "coil", declared(100), declared(200))
    lacking, head, amounts = made(run, read(12, 40), read(0, 20))
    assert lacking == [
        "line1/energy_import: no reading before its start",
        "scale1/good: no reading after its end",
    ]
    assert head.closed == "incomplete"
    assert amounts["energy"].amount is None
    lacking, head, _ = made(run, read(0, 0), read(0, 40))
    assert lacking == ["line1/energy_import: no readings"]
    reset = read(0, 40, lambda k: 5000 + k if k < 15 else k - 15)
    lacking, head, amounts = made(run, reset, read(0, 40))
    assert lacking == ["line1/energy_import: reset"]
    assert (head.closed, amounts["energy"].amount) == ("incomplete", None)


def test_a_reading_as_young_as_the_register_must_be_settles_it():
    end = declared(200)  # until 202 s; a register up to 1 s old
    assert batch_record.settled_ns(end, COUNTERS[ENERGY]) == T0 + 203 * S
    for last, settled in ((21, False), (22, True)):
        known = {ENERGY: read(0, last), GOOD: read(0, 40)}
        assert batch_record.is_settled(LINE, end, COUNTERS, known) == settled
