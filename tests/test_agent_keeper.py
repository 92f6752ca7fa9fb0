"""The keeper: days go in their time, a full disk is survived, and what nobody has any more is said before it goes."""

import contextlib
import shutil
import subprocess
from itertools import count

import pytest
from damage import Gateway, voids
from plant_in_memory import CLOCK, KEY, SITE, S, Site, at_ns, round_of

from agent import files, keeper, waiting
from agent.batches import Source
from agent.journal import Journal
from agent.keeper import Keeper
from agent.recorder import Recorder, Settings
from agent.retention import DAY_NS
from agent.room import Room
from contract import body, records, segment
from contract.entry import TreeHead
from contract.records import EventPart
from contract.writer import Writer

DAY = 86_400
KIB = 1024


class Yard:
    """A plant whose recorder is kept; time is the plant's number of rounds."""

    def __init__(self, folder, reserve_bytes=0, days=2, bytes_max=None, plan=None, epochs=None):
        site = Site.at(folder.parent / "site") if plan is None else None
        self.plan, self.folder = plan or site.plan, folder
        self.epochs = epochs or count(1)
        self.journal = Journal(folder)
        self.room = Room(folder, bytes_max, reserve_bytes)
        self.keeper = Keeper(self.journal, self.room, days * DAY_NS, self.settings(), self.begun)

    def settings(self):
        config = self.plan.config
        return Settings(self.plan.meters, config.line, bytes(32), 5 * S, 10 * S, config.calendar)

    def begun(self, settings, checkpoint, now_ns):
        fresh = (number.to_bytes(32, "big") for number in self.epochs)
        writer = Writer(SITE, "edge-1", KEY, next(fresh)[16:])
        recorder = Recorder(self.journal, writer, settings, lambda: CLOCK, lambda size: next(fresh)[-size:])
        recorder.checkpoint = checkpoint
        recorder.open(now_ns)
        return recorder

    def take(self, k, batch=None):
        points = {p.id: p for plan in self.plan.meters if plan.meter.name == "press-plc" for p in plan.profile.points}
        self.keeper.take(round_of(k, batch), [], {"press": Source(0, None, points)}, at_ns(k) + S * 9 // 10)

    def run(self, first, last, batch=None):
        for k in range(first, last):
            self.take(k, batch)

    def confirm(self):
        """As if all had come to the gateway."""
        heads = {}
        for extent in self.journal.extents():
            heads[extent.epoch] = extent.last
        self.journal.confirm(heads)

    def days(self):
        return sorted(path.name for path in self.folder.glob("2023-*.db"))

    def of(self, kind, form):
        return [records.read(p, form) for e in self.journal.since(0, kind) for p in body.unpack(e.sealed.body).parts]

    def events(self, name):
        return [event for event in self.of("event", EventPart) if event.event == name]

    def voids(self):
        return [part for stored in self.journal.since(0, "void") for part in voids(stored)]

    def batches(self):
        heads = [body.unpack(stored.sealed.body).parts[0] for stored in self.journal.since(0, "batch")]
        return [records.read(head, records.BatchPart).batch for head in heads]

    def requests(self):
        found = []
        for stored in self.journal.since(0, "segment"):
            for made in map(segment.decode, body.unpack(stored.sealed.body).parts):
                found += [requested for b in made.blocks for requested in b.requested_ns if made.meter == "press"]
        return found


@pytest.fixture
def yard(tmp_path):
    made = Yard(tmp_path / "data")
    made.keeper.open(at_ns(0))
    yield made
    made.journal.close()


def few_rounds(yard, *days, batch=None):
    for day in days:
        yard.run(day * DAY + 1, day * DAY + 13, batch)


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


def limited(monkeypatch, yard):
    """Databases that cannot grow, as on a full disk, until the switch is off."""
    switch = {"full": True}
    durable = files.durable

    def bounded(connection):
        durable(connection)
        if switch["full"]:
            connection.execute("PRAGMA max_page_count = 1")  # no less than it has
        return connection

    monkeypatch.setattr(files, "durable", bounded)
    for connection in (yard.journal._open._file, yard.journal._days._day[1]):
        connection.execute("PRAGMA max_page_count = 1")
    return switch


def test_what_cannot_be_written_waits_and_is_recorded_once(yard, monkeypatch):
    yard.run(1, 12, "A")
    switch = limited(monkeypatch, yard)
    yard.run(12, 120, "A")
    assert yard.keeper.epoch == b"", "the disk is full"
    assert yard.keeper.so_far()[1] == {}
    switch["full"] = False
    yard.keeper.checkpoint = TreeHead(size=3, root=bytes(32))
    yard.run(120, 200)
    assert yard.keeper.epoch
    requests = yard.requests()
    assert len(requests) == len(set(requests))
    assert {at_ns(k) for k in range(1, 194)} <= set(requests)
    assert yard.batches() == []
    assert [event.detail["batch"] for event in yard.events("batch_joined_late")] == ["A"]
    assert yard.events("readings_lost") == []


def test_beyond_what_memory_may_hold_readings_are_lost_counted_and_told(yard, monkeypatch):
    monkeypatch.setattr(waiting, "READINGS_MAX", 60)
    yard.run(1, 12)
    switch = limited(monkeypatch, yard)
    yard.run(12, 80)
    switch["full"] = False
    yard.run(80, 160)
    (event,) = yard.events("readings_lost")
    requests = set(yard.requests())
    missing = {at_ns(k) for k in range(1, 153)} - requests
    assert event.detail["readings"] == 6 * len(missing) > 0  # two of the meter and four of the controller a round
    assert event.detail["from_ns"] == min(missing)
    assert max(missing) <= event.detail["to_ns"] < min(at for at in requests if at > max(missing))
    assert event.detail["cause"] == "disk_full"


def test_another_fault_is_not_taken_for_a_full_disk(yard, monkeypatch):
    def broken(*_):
        raise ValueError("ours")

    monkeypatch.setattr(Recorder, "take", broken)
    with pytest.raises(ValueError, match="ours"):
        yard.take(1)


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


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 6 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=6m", "none", folder], capture_output=True, check=False
        )
    except OSError:
        pytest.skip("no mount")
    if done.returncode:
        pytest.skip("may not mount a file system here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(path):
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass


def test_a_disk_that_fills_up_is_survived_and_what_it_costs_is_said(small_disk, monkeypatch):
    monkeypatch.setattr(keeper, "PAUSE_MOST_NS", 2 * S)
    yard = Yard(small_disk / "data", reserve_bytes=512 * KIB)
    yard.keeper.open(at_ns(0))
    few_rounds(yard, 0, 1)
    sealed = {(one.epoch, one.seq): one for one in yard.journal.after({}, 10_000)}
    assert yard.room.has_reserve()
    filler = small_disk / "somebody's"
    fill(filler)
    yard.run(2 * DAY, 2 * DAY + 400)  # no day is delivered: the oldest must go for what is new
    assert yard.voids(), "the disk was full, and nothing had to go"
    filler.unlink()
    yard.run(2 * DAY + 400, 2 * DAY + 450)
    assert yard.keeper.epoch
    assert yard.room.has_reserve()
    requests = yard.requests()
    assert len(requests) == len(set(requests))
    assert {at_ns(k) for k in range(2 * DAY, 2 * DAY + 440)} <= set(requests)
    named = {(v.epoch, n) for v in yard.voids() for n in range(v.first, v.last + 1)}
    held = {(e.epoch, n) for e in yard.journal.extents() for n in range(e.first, e.last + 1)}
    assert set(sealed) <= held | named, "something is gone that no void names"
    gateway = Gateway()
    gateway.take(yard.journal)
    assert held <= set(gateway.admitted)
    yard.journal.close()
