"""A kept journal behind a real ledger: days go, room is made, and the verifier recomputes every batch all the same."""

from itertools import count
from types import SimpleNamespace

from kept_plant import DAY, Yard
from lineage_plant import Gateway, Line, faults, told
from plant_in_memory import at_ns

from agent import outbox


def linked(gateway, yard):
    """The yard's line to a gateway."""
    return Line(SimpleNamespace(journal=yard.journal), gateway, outbox.Outbox(yard.journal.delivered()))


def work(yard, day, batch):
    """A short day: a batch of 12 rounds and what comes after it."""
    yard.run(day * DAY + 1, day * DAY + 4)
    yard.run(day * DAY + 4, day * DAY + 16, batch)
    yard.run(day * DAY + 16, day * DAY + 45)


def test_batches_are_recomputed_from_the_ledger_though_the_agent_let_days_go_and_started_again(tmp_path):
    gateway = Gateway.begun(tmp_path / "gateway")
    yard = Yard(tmp_path / "data")
    yard.keeper.open(at_ns(0))
    for day in range(6):
        work(yard, day, f"day-{day}")
        linked(gateway, yard).deliver()
        if day == 3:  # a batch that runs over the restart and over the next days
            yard.run(day * DAY + 45, day * DAY + 60, "long")
            yard.journal.close()
            yard = Yard(tmp_path / "data", plan=yard.plan, epochs=count(5000))
            yard.keeper.open(at_ns(day * DAY + 60))
            yard.run(day * DAY + 61, day * DAY + 70, "long")
    for day in (9, 12):
        yard.run(day * DAY, day * DAY + 30)
        linked(gateway, yard).deliver()
    assert yard.days() == ["2023-11-23.db", "2023-11-26.db"]
    yard.journal.close()
    report = gateway.verified()
    assert faults(report) == []
    assert report.verdict == "pinned"
    assert told(report, "void") == []
    batches = [entry for entry in gateway.ledger.entries() if entry.type == "batch"]
    assert len(batches) == 7


def test_days_that_nobody_else_had_are_named_by_the_verifier_and_the_rest_is_whole(tmp_path):
    gateway = Gateway.begun(tmp_path / "gateway")
    yard = Yard(tmp_path / "data")
    yard.keeper.open(at_ns(0))
    work(yard, 0, "first")
    linked(gateway, yard).deliver()
    for day in (1, 2):  # no line to the gateway, and then no room
        work(yard, day, f"lost-{day}")
    yard.room.bytes_max = 1
    work(yard, 3, "kept")
    yard.room.bytes_max = None
    work(yard, 4, "last")
    line = linked(gateway, yard)
    line.deliver()
    assert set(line.verdicts) == {"admitted"}
    assert line.told.wanted == []
    yard.journal.close()
    report = gateway.verified()
    assert faults(report) == []
    assert all("lost (disk_full" in one for one in told(report, "void"))
    assert len(told(report, "void")) >= 2
    said = {entry.seq for entry in gateway.ledger.entries() if entry.type == "batch"}
    assert len(said) >= 3
