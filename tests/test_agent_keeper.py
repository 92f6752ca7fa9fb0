"""The keeper: days go in their time, room is made in order, and what nobody has any more is said before it goes."""

import shutil
from itertools import count

import pytest
from damage import Gateway
from kept_plant import DAY, Yard, few_rounds
from plant_in_memory import at_ns

from agent import files
from agent.journal import Journal


@pytest.fixture
def yard(tmp_path):
    made = Yard(tmp_path / "data")
    made.keeper.open(at_ns(0))
    yield made
    made.journal.close()


def test_a_delivered_day_goes_when_its_retention_is_over_and_no_other(yard):
    few_rounds(yard, 0, 1)
    yard.confirm()
    few_rounds(yard, 2, 3)
    assert yard.days() == ["2023-11-15.db", "2023-11-16.db", "2023-11-17.db"], "two days after the end of the first"
    few_rounds(yard, 9)
    assert yard.days() == ["2023-11-16.db", "2023-11-17.db", "2023-11-23.db"], "what is not delivered stays"
    assert yard.voids() == []
    gateway = Gateway()
    gateway.heads = {yard.keeper.epoch: None}
    assert yard.journal.after({}, 9) == [], "the gateway has it: nothing is sent from behind the hole"


def test_a_day_that_a_batch_rests_on_stays(yard):
    few_rounds(yard, 0)
    few_rounds(yard, 1, 2, batch="A")
    yard.confirm()
    few_rounds(yard, 8, batch="A")
    assert yard.days()[0] == "2023-11-14.db", "the reading before its start lies there"
    yard.run(8 * DAY + 13, 8 * DAY + 40)
    assert yard.batches() == ["A"]
    assert yard.events("batch_abandoned") == []
    yard.confirm()
    few_rounds(yard, 9)
    # the file of the 16th was written to until that of the 22nd began
    assert yard.days() == ["2023-11-16.db", "2023-11-22.db", "2023-11-23.db"]


def test_an_agent_whose_old_days_are_gone_starts_and_goes_on(yard, tmp_path):
    few_rounds(yard, 0, 1)
    yard.confirm()
    few_rounds(yard, 8)
    yard.journal.close()
    again = Yard(tmp_path / "data", plan=yard.plan, epochs=count(5000))
    again.keeper.open(at_ns(8 * DAY + 20))
    again.run(8 * DAY + 21, 8 * DAY + 60, None)
    assert again.voids() == again.events("journal_damaged") == []
    again.journal.close()
    yard.journal = Journal(tmp_path / "data")


def test_a_gateway_that_falls_back_behind_what_was_retired_is_told_so(yard):
    few_rounds(yard, 0, 1)
    yard.confirm()
    epoch = yard.keeper.epoch
    few_rounds(yard, 8)
    last = next(extent.first for extent in yard.journal.extents()) - 1
    yard.journal.confirm({epoch: 1})  # restored from a backup
    few_rounds(yard, 9)
    assert {(v.epoch, v.cause) for v in yard.voids()} == {(epoch, "retired")}
    assert {n for v in yard.voids() for n in range(v.first, v.last + 1)} == set(range(2, last + 1))
    gateway = Gateway()
    gateway.heads = {epoch: type("Head", (), {"seq": 1, "hash": None, "epoch": epoch})()}
    gateway.take(yard.journal)
    held = [(e.epoch, seq) for e in yard.journal.extents() for seq in range(e.first, e.last + 1)]
    assert set(held) == set(gateway.admitted)


def test_over_its_quota_the_journal_gives_up_delivered_days_then_others_after_a_void(yard):
    yard.keeper._retention_ns = 10**18
    few_rounds(yard, 0, 1, 2)
    yard.confirm()
    confirmed = yard.journal.delivered()[yard.keeper.epoch]
    few_rounds(yard, 3, 4, 5)
    sealed = {(one.epoch, one.seq): one for one in yard.journal.after({}, 10_000)}
    few_rounds(yard, 6)
    yard.room.bytes_max = yard.room.used_bytes() - 1
    yard.keeper._tidy(at_ns(6 * DAY + 14))
    assert yard.days()[0] == "2023-11-15.db"
    assert yard.voids() == []
    yard.room.bytes_max = 1
    few_rounds(yard, 7)
    assert yard.days() == ["2023-11-21.db"]
    assert {v.cause for v in yard.voids()} == {"disk_full"}
    named = {(v.epoch, n) for v in yard.voids() for n in range(v.first, v.last + 1)}
    assert {place for place in sealed if place[1] > confirmed} <= named
    assert not [place for place in named if place[1] <= confirmed and place in sealed]
    assert all(sealed[v.epoch, v.last].sealed.hash == v.last_hash for v in yard.voids() if (v.epoch, v.last) in sealed)
    gateway = Gateway()
    for place, one in sealed.items():
        if place[1] <= confirmed:
            gateway.admit(one)
    gateway.take(yard.journal)
    held = {(e.epoch, n) for e in yard.journal.extents() for n in range(e.first, e.last + 1)}
    assert held <= set(gateway.admitted)


def test_a_batch_that_rested_on_what_had_to_go_is_told_to_have_no_record(yard):
    few_rounds(yard, 0)
    few_rounds(yard, 1, 2, batch="A")
    yard.confirm()
    yard.room.bytes_max = 1
    few_rounds(yard, 3, batch="A")
    yard.run(3 * DAY + 13, 3 * DAY + 50)
    assert [event.detail["batch"] for event in yard.events("batch_abandoned")] == ["A"]
    assert yard.batches() == []


def test_a_crash_between_void_and_deletion_is_finished_at_the_next_start(yard, tmp_path, monkeypatch):
    few_rounds(yard, 0, 1, 2)
    monkeypatch.setattr(files, "delete", crash)
    yard.room.bytes_max = 1
    with pytest.raises(ZeroDivisionError):
        few_rounds(yard, 3)
    monkeypatch.undo()
    told = yard.voids()
    assert told
    left = tmp_path / "left"
    shutil.copytree(yard.folder, left, ignore=shutil.ignore_patterns("*-shm"))
    assert "2023-11-14.db" in [path.name for path in left.glob("2023-*.db")]
    again = Yard(left, plan=yard.plan, epochs=count(5000))
    assert "2023-11-14.db" not in again.days()
    again.keeper.open(at_ns(3 * DAY + 30))
    assert again.voids()[: len(told)] == told
    gateway = Gateway()
    gateway.take(again.journal)
    held = {(e.epoch, n) for e in again.journal.extents() for n in range(e.first, e.last + 1)}
    assert held <= set(gateway.admitted)
    again.journal.close()


def test_a_crash_at_any_commit_while_room_is_made_loses_nothing_that_no_void_names(yard, tmp_path, monkeypatch):
    few_rounds(yard, 0, 1)
    yard.confirm()
    few_rounds(yard, 2, 3)
    sealed = {(one.epoch, one.seq) for one in yard.journal.after({}, 10_000)}
    confirmed = yard.journal.delivered()[yard.keeper.epoch]
    images = []

    def traced(statement):
        if statement == "COMMIT":
            images.append(
                shutil.copytree(yard.folder, tmp_path / f"image-{len(images)}", ignore=shutil.ignore_patterns("*-shm"))
            )

    delete = files.delete
    monkeypatch.setattr(files, "delete", lambda path: (traced("COMMIT"), delete(path), traced("COMMIT")))
    for connection in (yard.journal._open._file, yard.journal._days._day[1]):
        connection.set_trace_callback(traced)
    yard.keeper._rested_ns = 0
    yard.room.bytes_max = 1
    yard.keeper._tidy(at_ns(3 * DAY + 14))
    for connection in (yard.journal._open._file, yard.journal._days._day[1]):
        connection.set_trace_callback(None)
    monkeypatch.undo()
    assert yard.days() == ["2023-11-17.db"]
    assert len(images) >= 8
    for number, image in enumerate(images):
        again = Yard(image, plan=yard.plan, epochs=count(5000 + 1000 * number))
        again.keeper.open(at_ns(3 * DAY + 30))
        held = {(e.epoch, n) for e in again.journal.extents() for n in range(e.first, e.last + 1)}
        named = {(v.epoch, n) for v in again.voids() for n in range(v.first, v.last + 1)}
        assert {place for place in sealed if place[1] > confirmed} <= held | named, f"image {number}"
        assert not held & named, f"image {number}: what a void says is gone is there"
        assert not [place for place in named if place[1] <= confirmed and place in sealed], f"image {number}"
        again.journal.close()


def crash(_):
    raise ZeroDivisionError("killed")


def test_an_entry_damaged_while_the_agent_runs_is_declared_lost_and_delivery_goes_on(yard):
    yard.run(1, 60)
    epoch = yard.keeper.epoch
    with files.reading(yard.folder / "2023-11-14.db") as file, file:
        file.execute("UPDATE entry SET body = zeroblob(9) WHERE seq = 3")
    assert [one.seq for one in yard.journal.after({}, 50)] == [0, 1, 2]
    yard.run(60, 120)
    assert [(v.epoch, v.first, v.last, v.cause) for v in yard.voids()] == [(epoch, 3, 3, "damaged")]
    assert yard.keeper.epoch not in {epoch, b""}
    gateway = Gateway()
    gateway.take(yard.journal)
    held = {(e.epoch, n) for e in yard.journal.extents() for n in range(e.first, e.last + 1)}
    assert held == set(gateway.admitted)


def test_while_the_key_is_out_nothing_goes_that_only_a_void_could_tell_of(yard, monkeypatch):
    few_rounds(yard, 0, 1, 2)
    monkeypatch.setattr(yard.keeper._recorder._key_watch, "is_there", lambda _: False)
    yard.room.bytes_max = 1
    few_rounds(yard, 3)
    assert yard.days()[0] == "2023-11-14.db"
    assert yard.voids() == []
    monkeypatch.undo()
    yard.run(3 * DAY + 13, 3 * DAY + 30)
    assert yard.days() == ["2023-11-17.db"]
    assert yard.voids()
