"""Batches and the time between them must add up to what the register moved by."""

import archive_maker as maker
import overlap_plant
import pytest

from agent.aggregation import replay
from agent.aggregation.replay import Amount
from verifier import archive, check_batches, evidence, trail
from verifier.check_partition import partitions


def read(made: maker.Factory):
    seen, _ = trail.read(archive.read(made.pack()))
    known, _ = evidence.read(seen)
    return known, check_batches.read(seen, None)[0]


def test_every_counter_closes_to_the_last_digit():
    # 119 steps of 7 Wh and of 3 kg between the first and the last reading
    whole = "2 batches and 3 times between them add up to the register's"
    assert [finding.line() for finding in partitions(*read(maker.factory()))] == [
        f"ok   partition edge-1 line1/energy_import: {whole} 833000 mWh",
        f"ok   partition edge-1 scale1/good: {whole} 357000000 mg",
    ]


def test_a_repeated_record_counts_once_and_overlapping_batches_are_named():
    known, batches = read(maker.factory())
    assert all(finding.ok for finding in partitions(known, [*batches, batches[0]]))
    other = batches[0].head.model_copy(update={"batch": "L1-0009", "end": batches[1].head.end})
    overlapping = check_batches.Batch(batches[0].item, other, batches[0].amounts)
    lines = [finding.line() for finding in partitions(known, [*batches, overlapping])]
    assert lines[0].startswith("FAIL partition edge-1 line1/energy_import: batches ")
    assert lines[0].endswith(" overlap")


def test_a_window_that_counts_too_much_leaves_it_open(monkeypatch: pytest.MonkeyPatch):
    known, batches = read(maker.factory())
    honest = replay.amounts

    def generous(*given: object) -> list[Amount]:
        found = honest(*given)
        first = found[0]
        return [Amount(first.amount + 1, None, None, None, 0, ()), *found[1:]]

    monkeypatch.setattr(replay, "amounts", generous)
    lines = [finding.line() for finding in partitions(known, batches)]
    assert "open: 2 batches and 3 times between them add up to 833001 mWh; the register moved by 833000 mWh" in lines[0]


def test_a_reset_is_told_and_not_papered_over(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(maker.SHOWN, "line1", lambda k: 5000 + 7 * k if k < 100 else k - 100)
    made = maker.opened()
    maker.produced(made)
    lines = [finding.line() for finding in partitions(*read(made))]
    assert lines[0].startswith("ok   partition edge-1 line1/energy_import")
    assert "1 of them unknown (reset)" in lines[0]


def test_batches_beyond_the_readings_are_counted_apart():
    made = maker.factory()
    made.ledger[maker.index_of(made, maker.AGENT, "segment", 0)][1] = None
    known, batches = read(made)
    early = check_batches.Period(maker.T0, maker.T0 + 1)
    assert early.touches(maker.T0, maker.T0)
    first = batches[0].head.start.model_copy(update={"earliest_ns": maker.T0, "latest_ns": maker.T0 + 1})
    moved = check_batches.Batch(
        batches[0].item, batches[0].head.model_copy(update={"start": first}), batches[0].amounts
    )
    lines = [finding.line() for finding in partitions(known, [moved, batches[1]])]
    assert lines[0].endswith("; 1 batches reach beyond the readings")


def test_windows_of_batches_at_once_are_cut_at_every_edge(tmp_path):
    known, batches = read(overlap_plant.factory(tmp_path, "equal"))
    (line,) = [finding.line() for finding in partitions(known, batches)]
    assert line == (
        "ok   partition edge-1 press/energy: 4 batches, cut at their edges into 6 times, and 3 times between them add"
        " up to the register's 805000 mWh"  # 115 rounds of 7 Wh
    )
    (first, *others) = batches
    around = {"earliest_ns": first.head.end.earliest_ns - 50 * maker.S, "latest_ns": first.head.end.latest_ns + maker.S}
    rough = check_batches.Batch(
        first.item, first.head.model_copy(update={"end": first.head.end.model_copy(update=around)}), first.amounts
    )
    (line,) = [finding.line() for finding in partitions(known, [rough, *others])]
    assert line.startswith("ok   partition edge-1 press/energy: 3 batches, cut at their edges into ")
    assert line.endswith("; 1 batches have edges that lie within another's")
