"""Logs that SQLite wrote: whole ones, unfinished ones, harmed ones, and what SQLite itself reads of them."""

import shutil
import sqlite3

import pytest

from agent import wal

PAGE, HEADER, FRAME = 4096, 32, 24


@pytest.fixture
def log(tmp_path):
    """The log of a file that three transactions were written to, and the file's folder."""
    file = sqlite3.connect(tmp_path / "a.db")
    file.execute("PRAGMA journal_mode=WAL")
    file.execute("CREATE TABLE kept (data BLOB)")
    file.commit()
    for number in range(3):
        file.execute("INSERT INTO kept VALUES (?)", (bytes([number]) * 9000,))
        file.commit()
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("a.db", "a.db-wal"):
        shutil.copy(tmp_path / name, copy / name)
    file.close()
    return copy


def read(folder):
    """How many rows SQLite finds."""
    file = sqlite3.connect(f"file:{folder / 'a.db'}?mode=ro", uri=True)
    try:
        return len(file.execute("SELECT data FROM kept").fetchall())
    except sqlite3.OperationalError:  # not even the table
        return 0
    finally:
        file.close()


def test_a_whole_log_and_an_empty_one_have_lost_nothing(log):
    assert not wal.has_lost((log / "a.db-wal").read_bytes())
    assert not wal.has_lost(b"")
    assert read(log) == 3


@pytest.mark.parametrize("at", [0, 17, 25, HEADER + 1, HEADER + 10, HEADER + 18, HEADER + FRAME + 9, -1, -PAGE])
def test_one_byte_altered_loses_commits_and_is_noticed(log, at):
    data = bytearray((log / "a.db-wal").read_bytes())
    data[at] ^= 1
    (log / "a.db-wal").write_bytes(data)
    assert wal.has_lost(bytes(data)) == (read(log) < 3) == True  # noqa: E712 - both of them


def test_every_byte_that_costs_sqlite_a_commit_is_noticed(log):
    whole = (log / "a.db-wal").read_bytes()
    for at in range(0, len(whole), 997):
        data = bytearray(whole)
        data[at] ^= 0x40
        (log / "a.db-wal").write_bytes(data)
        assert wal.has_lost(bytes(data)) == (read(log) < 3), at


def test_a_transaction_that_a_kill_cut_short_was_never_a_commit(log):
    whole = (log / "a.db-wal").read_bytes()
    frames = (len(whole) - HEADER) // (FRAME + PAGE)
    commits = [n for n in range(frames) if any(whole[HEADER + n * (FRAME + PAGE) + 4 :][:4])]
    cut = HEADER + commits[-1] * (FRAME + PAGE)  # all but the last frame
    torn = bytearray(whole[:cut])
    torn[-5] ^= 1  # and the last of these is only half there
    for data in (whole[:cut], bytes(torn)):
        (log / "a.db-wal").write_bytes(data)
        assert not wal.has_lost(data)
        assert read(log) == 2


def test_a_last_frame_that_is_cut_is_noticed_where_it_ends_a_commit(log):
    whole = (log / "a.db-wal").read_bytes()
    for missing in (1, 512, PAGE):
        (log / "a.db-wal").write_bytes(whole[:-missing])
        assert wal.has_lost(whole[:-missing])
        assert read(log) == 2


def test_frames_of_an_earlier_round_are_not_missed(tmp_path):
    file = sqlite3.connect(tmp_path / "a.db")
    file.execute("PRAGMA journal_mode=WAL")
    file.execute("CREATE TABLE kept (data BLOB)")
    file.execute("INSERT INTO kept VALUES (zeroblob(40000))")
    file.commit()
    file.execute("PRAGMA wal_checkpoint(RESTART)")
    file.execute("INSERT INTO kept VALUES (1)")
    file.commit()
    data = (tmp_path / "a.db-wal").read_bytes()
    assert len(data) > 8 * PAGE
    assert not wal.has_lost(data)
    file.close()
