"""Batch records again: equal where they follow from the readings, and each difference by name where they do not."""

import archive_maker as maker
import pytest
from archive_maker import AGENT, T0, S, index_of

from contract import records
from verifier import archive, replay, trail
from verifier.check_batches import Period

ALL = Period(T0, T0 + 10_000 * S)


def prepared(made: maker.Factory, period: Period = ALL) -> replay.Replay:
    entries, unread = trail.read(archive.read(made.pack()))
    return replay.prepare(entries, unread, period)


def rows(made: maker.Factory, period: Period = ALL) -> list[replay.Row]:
    asked = prepared(made, period)
    return [row for batch in asked.batches for row in asked.rows(batch)]


def test_an_untouched_ledger_is_equal_row_by_row():
    found = rows(maker.factory())
    assert [(row.batch, row.signed.point, row.holds) for row in found] == [
        ("L1-0001", "energy_import", True), ("L1-0001", "good", True),
        ("L1-0002", "energy_import", True), ("L1-0002", "good", True),
    ]  # fmt: skip
    # 28 readings of 7 Wh apart, as worked out in the tests of check_batches
    assert (found[0].signed.amount, found[0].recomputed.amount) == (196_000, 196_000)


@pytest.mark.parametrize(
    ("from_s", "to_s", "names"),
    [(0, 100, []), (0, 200, ["L1-0001"]), (390, 440, ["L1-0001", "L1-0002"]), (500, 600, ["L1-0002"])],
)
def test_batches_of_the_period_are_those_that_touch_it(from_s, to_s, names):
    chosen = prepared(maker.factory(), Period(T0 + from_s * S, T0 + to_s * S)).batches
    assert [batch.name for batch in chosen] == names


def bent(monkeypatch: pytest.MonkeyPatch, number: int, **changes: object) -> maker.Factory:
    honest = {name: maker.batch_parts(name) for name in maker.BATCHES}
    kind = records.BatchPart if number == 0 else records.AmountPart
    changed = records.read(honest["L1-0001"][number], kind).model_copy(update=changes)
    honest["L1-0001"][number] = records.write(changed)
    monkeypatch.setattr(maker, "batch_parts", honest.__getitem__)
    made = maker.opened()
    maker.produced(made)
    return made


def test_a_figure_that_differs_is_named_with_both_values(monkeypatch):
    wrong = [row for row in rows(bent(monkeypatch, 1, lower=181_001)) if not row.holds]
    assert [(row.batch, row.faults) for row in wrong] == [("L1-0001", ("lower signed 181001 mWh, recomputed 181000",))]
    assert (wrong[0].signed.lower, wrong[0].recomputed.lower) == (181_001, 181_000)


def test_an_amount_of_an_unknown_counter_gives_its_reason(monkeypatch):
    wrong = [row for row in rows(bent(monkeypatch, 1, point="energy")) if not row.holds]
    assert ("the manifest in force has no such counter",) in [row.faults for row in wrong]
    assert all(row.recomputed is None for row in wrong)


def test_an_edge_that_its_looks_do_not_give_is_a_fault_of_the_batch(monkeypatch):
    edge = maker.ended("L1-0001").end.model_copy(update={"latest_ns": T0 + 408 * S})
    first = rows(bent(monkeypatch, 0, end=edge))[0]
    assert (first.batch, first.signed, first.recomputed) == ("L1-0001", None, None)
    assert first.faults[0].startswith("its end is signed as")


def test_a_withheld_segment_leaves_its_batch_unknown():
    made = maker.factory()
    made.ledger[index_of(made, AGENT, "segment", 4)][1] = None
    (row,) = [row for row in rows(made) if row.batch == "L1-0001"]
    assert "is withheld" in row.faults[0]


def test_an_entry_that_cannot_be_read_is_told():
    made = maker.factory()
    made.ledger[index_of(made, AGENT, "segment", 0)][1] += b"x"
    assert [finding.check for finding in prepared(made).unreadable] == ["body"]
    assert not prepared(maker.factory()).unreadable
