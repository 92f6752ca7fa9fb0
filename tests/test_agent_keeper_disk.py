"""A keeper on a disk that is full: databases that cannot grow, and a small file system filled to its last block."""

import contextlib
import sqlite3
import subprocess

import pytest
from damage import Gateway
from kept_plant import DAY, KIB, Yard, few_rounds
from plant_in_memory import S, at_ns

from agent import files, keeper, waiting
from agent.recorder import Recorder
from contract.entry import TreeHead


@pytest.fixture
def yard(tmp_path):
    made = Yard(tmp_path / "data")
    made.keeper.open(at_ns(0))
    yield made
    made.journal.close()


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


def test_what_waits_at_the_end_is_tried_once_more_and_else_said(yard, monkeypatch, caplog):
    yard.run(1, 12)
    switch = limited(monkeypatch, yard)
    yard.run(12, 80)
    yard.keeper.seal(at_ns(80))
    lost = yard.keeper._waiting.readings
    assert caplog.messages[-1] == f"stopping with {lost} readings that cannot be written"
    assert lost > 0
    switch["full"] = False
    yard.keeper.seal(at_ns(81))
    assert {at_ns(k) for k in range(1, 80)} <= set(yard.requests())
    assert yard.keeper._waiting.readings == 0


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


def test_days_can_go_though_the_journal_cannot_be_opened_anew(yard, monkeypatch):
    few_rounds(yard, 0, 1)
    yard.confirm()
    few_rounds(yard, 2)
    switch, opened = limited(monkeypatch, yard), files.opened

    def no_room(path, schema):
        if "2023-11-14.db" in yard.days():
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        switch["full"] = False
        return opened(path, schema)

    monkeypatch.setattr(files, "opened", no_room)
    yard.run(2 * DAY + 13, 2 * DAY + 80)
    assert "2023-11-14.db" not in yard.days()
    assert yard.keeper.epoch
    assert {at_ns(k) for k in range(2 * DAY + 1, 2 * DAY + 74)} <= set(yard.requests())
    assert yard.voids() == []
