"""Filings become entries once each, in order; one that cannot be used is set aside with its reason."""

import json
import os

import pytest
from authors import SITE, event_part
from pydantic import BaseModel, ConfigDict
from test_gateway_sequencer import Desk

from contract import body, records
from contract.entry import read
from contract.writer import Span
from gateway import spool
from gateway.database import sqlite_url
from gateway.spool import Kind
from gateway.trust import shown_parts


class Note(BaseModel):
    """A kind of filing made up for these tests."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    number: int


def parts(note, ledger):
    assert ledger.site == SITE
    if note.number < 0:
        raise ValueError("number: below zero: give a larger one")
    return [event_part(note.number)]


KINDS = {"note": Kind(Note, "review", parts)}


@pytest.fixture
def desk(tmp_path):
    made = Desk(sqlite_url(tmp_path / "ledger.sqlite"))
    yield made
    made.ledger.close()


def numbers(desk):
    """What the ledger's filed entries say, in order."""
    entries = desk.ledger.select(["review"], *spool.ALL_TIME)
    said = [part for entry in entries for part in shown_parts(body.unpack(entry.body))]
    return [records.read(part, records.EventPart).at_ns for part in said]


def work_off(desk, folder):
    return list(spool.work_off(folder, KINDS, desk.ledger, desk.sequencer.seal))


def test_filings_become_entries_in_the_order_they_were_left(desk, tmp_path):
    left = [spool.leave(tmp_path, "note", Note(number=number), at_ns) for at_ns, number in ((9, 1), (10, 2), (8, 3))]
    done = work_off(desk, tmp_path)
    assert numbers(desk) == [3, 1, 2]
    assert [one.name for one in done] == [left[2].name, left[0].name, left[1].name]
    assert not any(one.reason for one in done)
    assert not list((tmp_path / spool.FOLDER).iterdir())
    assert work_off(desk, tmp_path) == []


def test_an_entry_may_speak_of_another_time_than_its_own(desk, tmp_path):
    kinds = {"note": Kind(Note, "review", parts, lambda note: Span(note.number, note.number + 2))}
    spool.leave(tmp_path, "note", Note(number=5), 1)
    list(spool.work_off(tmp_path, kinds, desk.ledger, desk.sequencer.seal))
    (found,) = desk.ledger.select(["review"], 7, 7)
    assert (found.from_ns, found.to_ns) == (5, 7)
    assert (read(found.signed).header.from_ns, read(found.signed).header.to_ns) == (5, 7)
    assert list(desk.ledger.select(["review"], 8, 9)) == []


def test_no_folder_is_an_empty_spool(desk, tmp_path):
    assert work_off(desk, tmp_path / "none") == []


def test_a_crash_between_sealing_and_removing_repeats_nothing(desk, tmp_path):
    left = spool.leave(tmp_path, "note", Note(number=7), 1)
    said = left.read_bytes()
    work_off(desk, tmp_path)
    left.write_bytes(said)
    desk.reopen()
    (done,) = work_off(desk, tmp_path)
    assert numbers(desk) == [7]
    assert not left.exists()
    (entry,) = desk.ledger.select(["review"], *spool.ALL_TIME)
    assert done == spool.Done(left.name, entry.index, None)


def test_a_reason_from_before_a_crash_is_none_when_the_filing_is_taken_after_it(desk, tmp_path):
    left = spool.leave(tmp_path, "note", Note(number=7), 1)
    note = tmp_path / spool.FOLDER / spool.REFUSED / f"{left.stem}.txt"
    note.parent.mkdir()
    note.write_text("number: too early: give it later\n")
    assert [one.reason for one in work_off(desk, tmp_path)] == [None]
    assert spool.refusal(left) is None


def test_one_that_cannot_be_set_aside_keeps_no_other_from_its_entry(desk, tmp_path):
    spool.leave(tmp_path, "note", Note(number=-1), 1)
    good = spool.leave(tmp_path, "note", Note(number=5), 2)
    (tmp_path / spool.FOLDER / spool.REFUSED).write_text("no folder")
    with pytest.raises(OSError, match="refused"):
        work_off(desk, tmp_path)
    assert numbers(desk) == [5]
    assert not good.exists()


def test_what_is_no_file_is_not_waited_for(desk, tmp_path):
    good = spool.leave(tmp_path, "note", Note(number=5), 2)
    os.mkfifo(good.parent / "0-pipe.json")
    (good.parent / "1-folder.json").mkdir()
    assert [one.reason for one in work_off(desk, tmp_path)] == ["not a file", None, "not a file"]
    assert numbers(desk) == [5]


def test_a_spool_that_cannot_be_looked_into_is_told(desk, tmp_path):
    (tmp_path / spool.FOLDER).write_text("no folder")
    with pytest.raises(OSError, match="spool"):
        work_off(desk, tmp_path)


def test_a_disk_that_is_full_leaves_no_half_filing(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        spool.leave(tmp_path, "note", Note(number=5), 2)
    assert list((tmp_path / spool.FOLDER).iterdir()) == []


def test_a_refused_filing_is_kept_with_its_reason_and_stops_no_other(desk, tmp_path):
    bad = spool.leave(tmp_path, "note", Note(number=-1), 1)
    said = bad.read_bytes()
    good = spool.leave(tmp_path, "note", Note(number=5), 2)
    assert [one.reason for one in work_off(desk, tmp_path)] == ["number: below zero: give a larger one", None]
    assert numbers(desk) == [5]
    assert spool.refusal(bad) == "number: below zero: give a larger one"
    assert (tmp_path / spool.FOLDER / spool.REFUSED / bad.name).read_bytes() == said
    assert spool.refusal(good) is None


def test_a_file_that_is_still_growing_is_left_alone(desk, tmp_path):
    left = spool.leave(tmp_path, "note", Note(number=5), 2)
    left.rename(left.with_suffix(".new"))
    assert work_off(desk, tmp_path) == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[1]", "write one object"),
        (b'{"kind": "note"}', "write one object"),
        (b'{"kind": "note", "says": {}, "more": 1}', "write one object"),
        (b'{"kind": "nota", "says": {}}', "did you mean note?"),
        (b'{"kind": "note", "says": {}}', "number: missing"),
        (b'{"kind": "note", "says": {"number": 1.5}}', "number: 1.5"),
        (b'{"kind": "note", "says": {"number": "1"}}', "number: '1'"),
        (b'{"kind": "note", "says": {"number": 1, "other": 2}}', "other: unknown key"),
        (b'{"kind": "note", "says": 3}', "should be an object"),
        (b" " * (spool.FILE_BYTES_MAX + 1), "more than 65536 bytes"),
        (b"[" * 60_000, "not JSON"),
    ],
    ids=lambda given: repr(given[:24]),
)
def test_what_is_not_a_filing_is_refused_in_one_line(data, words):
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        spool.parse(data, KINDS)
    assert words in str(caught.value)


def test_a_filing_is_read_as_it_was_left(tmp_path):
    left = spool.leave(tmp_path, "note", Note(number=2**62 + 1), 3)
    assert json.loads(left.read_text()) == {"kind": "note", "says": {"number": 2**62 + 1}}
    assert spool.parse(left.read_bytes(), KINDS) == (KINDS["note"], Note(number=2**62 + 1))
