"""Edges and amounts against figures worked out by hand from the factory's known steps."""

import archive_maker as maker
import pytest
from archive_maker import AGENT, T0, S, failures, index_of

from contract import records, segment
from verifier import archive, check_batches, evidence, trail


def read(made: maker.Factory):
    seen, _ = trail.read(archive.read(made.pack()))
    known, _ = evidence.read(seen)
    return seen, known, *check_batches.read(seen, None)


def with_parts(monkeypatch: pytest.MonkeyPatch, number: int, **changes: object) -> maker.Factory:
    """The factory whose batch L1-0001 has one of its records bent and is sealed and stated so."""
    honest = {name: maker.batch_parts(name) for name in maker.BATCHES}
    kind = records.BatchPart if number == 0 else records.AmountPart
    bent = records.read(honest["L1-0001"][number], kind).model_copy(update=changes)
    honest["L1-0001"][number] = records.write(bent)
    monkeypatch.setattr(maker, "batch_parts", honest.__getitem__)
    made = maker.opened()
    maker.produced(made)
    maker.stated(made)
    return made


def test_the_first_batch_is_what_its_looks_and_registers_say():
    _, _, batches, findings = read(maker.factory())
    assert findings == []
    first = batches[0]
    # looks 3 s before readings 12 and 13, 40 and 41; requested, and answered 20 ms later
    assert (first.head.start.earliest_ns, first.head.start.latest_ns) == (T0 + 117 * S, T0 + 127 * S + 20_000_000)
    assert (first.head.end.earliest_ns, first.head.end.latest_ns) == (T0 + 397 * S, T0 + 407 * S + 20_000_000)
    energy = first.amounts[0]
    # midpoints stand at readings 12.2 and 40.2, 7 Wh apart each; bounds rest on readings 11, 13 and 39, 41, and the
    # step of 1 Wh: (5273 - 5092) and (5288 - 5077)
    assert (energy.amount, energy.lower, energy.upper) == (196_000, 181_000, 211_000)
    assert (first.amounts[1].role, first.amounts[1].amount) == ("good", 84_000_000)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lower": 181_001}, "lower signed 181001 mWh, recomputed 181000"),
        ({"upper": None}, "upper signed nothing mWh, recomputed 211000"),
        ({"u95": 1}, "u95 signed 1 mWh, recomputed"),
        ({"interpolated_ppm": 1}, "interpolated_ppm signed 1, recomputed"),
        ({"anomalies": ["wrap"]}, "anomalies signed wrap, recomputed nothing"),
        ({"unit": "g_milli"}, "signed in g_milli, though the counter counts wh_milli"),
        ({"point": "energy"}, "line1/energy_import (energy) is due once and given 0 times"),
        ({"role": "scrap"}, "line1/energy_import (scrap) is given, but line line1 does not declare it"),
    ],
)
def test_every_figure_of_an_amount_is_compared(monkeypatch: pytest.MonkeyPatch, changes, words):
    lines = failures(with_parts(monkeypatch, 1, **changes))
    assert any(line.startswith("FAIL batch L1-0001") and words in line for line in lines)


def test_an_edge_must_follow_from_its_looks(monkeypatch: pytest.MonkeyPatch):
    start = maker.ended("L1-0001").running.start
    moved = start.model_copy(update={"earliest_ns": start.earliest_ns + 1})
    lines = failures(with_parts(monkeypatch, 0, start=moved))
    assert any(line.startswith("FAIL edge L1-0001: its start is signed as") for line in lines)


def test_looks_in_the_wrong_order_and_a_batch_that_ends_before_it_starts_are_named():
    _, known, batches, _ = read(maker.factory())
    first = batches[0]
    turned = first.head.start.model_copy(update={"before": first.head.start.after, "after": first.head.start.before})
    late = first.head.model_copy(update={"start": first.head.end, "end": first.head.start})
    bent = [
        check_batches.Batch(first.item, first.head.model_copy(update={"start": turned}), ()),
        check_batches.Batch(first.item, late, ()),
    ]
    assert [finding.text for finding in check_batches.edges(bent, known)] == [
        "L1-0001: its start rests on looks in the wrong order",
        "L1-0001: it ends before it starts",
    ]


def test_a_line_nobody_declared_is_named(monkeypatch: pytest.MonkeyPatch):
    lines = failures(with_parts(monkeypatch, 0, line="line9"))
    assert any("line line9 is not in the manifest in force" in line for line in lines)


def test_complete_with_an_unknown_amount_is_named(monkeypatch: pytest.MonkeyPatch):
    lines = failures(with_parts(monkeypatch, 1, amount=None))
    assert "FAIL batch L1-0001: closed as complete, though an amount is unknown" in lines


def test_nobody_may_choose_which_batches_count(monkeypatch: pytest.MonkeyPatch):
    lines = failures(with_parts(monkeypatch, 0, closed="incomplete"))
    assert "FAIL batch L1-0001: closed as incomplete, its readings make it complete" in lines


def test_complete_without_a_reading_after_its_end_is_named():
    made = maker.opened()
    made.epoch(AGENT, maker.manifest_parts(), T0)
    read_until = maker.BATCHES["L1-0001"][1] - 1
    parts = [segment.encode(maker.meter_segment(meter, 0, read_until)) for meter in maker.METERS]
    made.add(AGENT, "segment", parts, T0, T0 + read_until * maker.STEP_NS)
    maker.add_batch(made, "L1-0001")
    _, known, batches, _ = read(made)
    signed = batches[0]
    assert "closed as complete, its readings make it incomplete" in list(check_batches.line_faults(known, signed))


def test_a_batch_without_parts_is_named():
    made = maker.factory()
    made.add(AGENT, "batch", [], T0, T0)
    assert any("has no parts" in finding.text for finding in read(made)[3])


def test_outside_the_period_withheld_readings_are_no_fault():
    made = maker.factory()
    made.ledger[index_of(made, AGENT, "segment", 4)][1] = None
    seen, known, batches, _ = read(made)
    before = check_batches.Period(T0 - 2, T0 - 1)
    (finding,) = check_batches.amounts(seen, known, batches, before)
    assert finding.ok
    assert "2 amounts of 1 batches" in finding.text
    assert "1 outside the period not shown" in finding.text
