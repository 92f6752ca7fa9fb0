"""Day files by themselves: what they hold after a survey, and that no damaged row speaks of coverage or time."""

import sqlite3

import pytest

from agent import files
from agent.day_files import DayFiles
from agent.stored import Stored
from contract.entry import Sealed

DAY_NS = 86_400_000_000_000
ONE = bytes([1]) * 16


def entry(seq):
    return Stored(Sealed(b"signed%d" % seq, b"body", bytes([seq]) * 32), ONE, seq, "segment", seq, seq)


@pytest.fixture
def days(tmp_path):
    made = DayFiles(tmp_path)
    for seq in range(6):
        made.append([entry(seq)], covers=10 * seq, at_ns=(seq // 3) * DAY_NS + seq)
    yield made
    made.close()


def surveyed(days, tmp_path, confirmed=None):
    days.close()
    days.__init__(tmp_path)
    days.survey(confirmed or {})
    return days


def change(tmp_path, day, words):
    with files.reading(tmp_path / day) as file, file:
        file.execute(f"UPDATE entry SET {words}")


def test_a_survey_finds_what_was_appended(days, tmp_path):
    before = days.extents
    assert surveyed(days, tmp_path).extents == before
    assert [(e.day, e.first, e.last) for e in before] == [("1970-01-01.db", 0, 2), ("1970-01-02.db", 3, 5)]
    assert (days.covered, days.latest_ns) == (50, DAY_NS + 5)
    assert days.days() == ["1970-01-01.db", "1970-01-02.db"]


def test_an_undelivered_entry_that_is_damaged_is_not_there(days, tmp_path):
    change(tmp_path, "1970-01-02.db", "body = x'00' WHERE seq = 4")
    assert [(e.first, e.last) for e in surveyed(days, tmp_path).extents] == [(0, 2), (3, 3), (5, 5)]
    assert days.found == ["1970-01-02.db: 1 damaged rows"]
    assert [(e.first, e.last) for e in surveyed(days, tmp_path, {ONE: 4}).extents] == [(0, 2), (3, 5)]


@pytest.mark.parametrize("column", ["covers", "at_ns"])
def test_no_damaged_row_says_what_is_covered_or_how_late_it_was(days, tmp_path, column):
    change(tmp_path, "1970-01-02.db", f"{column} = 1 << 60 WHERE seq = 4")
    surveyed(days, tmp_path, {ONE: 5})  # delivered: not checked otherwise
    assert (days.covered, days.latest_ns) == (50, DAY_NS + 5)


def test_a_file_deleted_while_it_is_read_is_empty(days):
    days.delete("1970-01-01.db")
    assert list(days.rows("1970-01-01.db", "", ())) == []
    assert [e.day for e in days.extents] == ["1970-01-02.db"]


def test_pages_that_do_not_fit_together_are_noticed_in_reading(days, tmp_path):
    days.close()
    path = tmp_path / "1970-01-01.db"
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 20000)
    with pytest.raises(sqlite3.DatabaseError):
        list(days.rows("1970-01-01.db", "", ()))
    assert days.is_corrupt


def test_a_deletion_cut_short_is_finished(days, tmp_path):
    days.close()
    (tmp_path / "1970-01-01.db").rename(tmp_path / "1970-01-01.db.deleted")
    (tmp_path / "1970-01-01.db-wal").write_bytes(b"left")
    assert surveyed(days, tmp_path).days() == ["1970-01-02.db"]
    assert not list(tmp_path.glob("1970-01-01*"))
