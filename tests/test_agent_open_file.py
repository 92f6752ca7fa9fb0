"""`open.db` by itself: rows, state, receipts and what day files hold come back; what is damaged is counted."""

import sqlite3

import pytest

from agent import files
from agent.losses import Gone
from agent.open_file import OPEN, OpenFile
from agent.stored import Extent
from contract.chain import Head

ONE, TWO = bytes([1]) * 16, bytes([2]) * 16
HELD = [Extent("b.db", ONE, 0, 4, bytes(32), 1, 2), Extent("a.db", TWO, 3, 9, None, 5, 6)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "open.db"


def opened(path):
    return OpenFile(path, files.opened(path, OPEN)[0])


@pytest.fixture
def kept(path):
    made = opened(path)
    yield made
    made.close()


def again(kept, path):
    kept.close()
    kept.__init__(path, files.opened(path, OPEN)[0])
    return kept


def test_rows_go_when_entries_cover_them_and_the_head_is_known(kept, path):
    kept.record([("scan", b"1"), ("event", b"2")], {"lines": b"3"}, 5)
    assert kept.head() is None
    kept.sealed(HELD[0], 1, 77)
    left = again(kept, path).left(0)
    assert [(row.id, row.kind, row.data) for row in left.rows] == [(2, "event", b"2")]
    assert left.state == {"lines": b"3"}
    assert kept.head() == (Head(ONE, 4, bytes(32)), 77)
    assert kept.held() == HELD[:1]


def test_what_files_hold_and_hold_no_longer_is_replaced_whole_in_order(kept, path):
    kept.sealed(HELD[0], 0, 1)
    gone = [Gone(HELD[1], "retired")]
    kept.survey(HELD, gone)
    assert (again(kept, path).held(), kept.gone()) == (HELD, gone)
    kept.survey(HELD[1:], [])
    assert (kept.held(), kept.gone()) == (HELD[1:], [])


def test_a_row_missing_between_others_is_counted(kept):
    kept.record([("scan", b"1")] * 5, {}, 0)
    kept._file.execute("DELETE FROM unsealed WHERE id IN (1, 3)")
    assert kept.left(0).damaged == 2
    assert kept.left(3).damaged == 0


@pytest.mark.parametrize("column", ["kind = 'scam'", "data = x'00'", "at_ns = 99", "crc = 0"])
def test_a_damaged_row_is_neither_read_nor_believed_in_its_time(kept, column):
    kept.record([("scan", b"1"), ("scan", b"2")], {}, 7)
    kept._file.execute(f"UPDATE unsealed SET {column} WHERE id = 2")
    assert [row.data for row in kept.left(0).rows] == [b"1"]
    assert kept.left(0).damaged == 1
    assert kept.latest_ns() == 7
    kept._file.execute("DELETE FROM unsealed WHERE id = 1")
    assert kept.latest_ns() == 0


@pytest.mark.parametrize("table", ["held", "gone", "confirmed"])
def test_a_damaged_row_of_what_is_known_is_not_believed(kept, path, table):
    kept.survey(HELD, [Gone(HELD[0], "damaged")])
    kept.confirm({ONE: 4})
    kept._file.execute(f"UPDATE {table} SET {'seq' if table == 'confirmed' else 'last'} = 8 WHERE epoch = ?", (ONE,))
    kept._file.commit()
    kept = again(kept, path)
    if table == "confirmed":
        assert (kept.confirmed, kept.damaged) == ({}, 1)
    else:
        assert [extent.epoch for extent in kept.held()] == ([TWO] if table == "held" else [ONE, TWO])
        assert len(kept.gone()) == (table == "held")


def test_receipts_are_known_until_they_are_lost_and_from_the_next_on(kept, path):
    assert kept.knows_receipts
    kept.forget_receipts()
    assert not again(kept, path).knows_receipts
    kept.confirm({ONE: 3})
    assert kept.knows_receipts
    assert again(kept, path).knows_receipts
    assert kept.confirmed == {ONE: 3}
    assert kept.left(0).state == {}


def test_a_receipt_that_cannot_be_written_counts_and_is_written_with_the_next(kept, path, monkeypatch):
    def full(_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(files, "reading", full)
    with pytest.raises(sqlite3.OperationalError):
        kept.confirm({ONE: 3})
    assert kept.confirmed == {ONE: 3}
    monkeypatch.undo()
    kept.confirm({TWO: 1})
    assert again(kept, path).confirmed == {ONE: 3, TWO: 1}


def test_receipts_of_an_earlier_version_are_taken_over(kept, path):
    kept._file.execute("CREATE TABLE delivered (epoch BLOB PRIMARY KEY, seq INTEGER, hash BLOB)")
    kept._file.execute("INSERT INTO delivered VALUES (?, 6, NULL)", (ONE,))
    kept._file.commit()
    assert again(kept, path).confirmed == {ONE: 6}
    assert again(kept, path).confirmed == {ONE: 6}
