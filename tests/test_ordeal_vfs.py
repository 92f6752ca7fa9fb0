"""SQLite on a disk that fails: what it says, what it keeps, and that locks are as ever."""

import contextlib
import errno
import sqlite3
from random import Random

import pytest

from agent import files
from simulators.ordeal import plain_files
from simulators.ordeal.disk import Disk
from simulators.ordeal.vfs import Unreachable, vfs

SCHEMA = ("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, data BLOB)",)


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path.resolve()
    made = Disk(folder, Random(1))
    try:
        with vfs().mounted(made), plain_files.mounted(made):
            yield made
    except Unreachable as error:
        pytest.skip(str(error))


def opened(disk):
    return files.opened(disk.folder / "a.db", SCHEMA)[0]


def put(connection, number):
    with connection:
        connection.execute("INSERT INTO t VALUES (?, ?)", (number, bytes([number]) * 3000))


def rows(connection):
    return [row for (row,) in connection.execute("SELECT id FROM t ORDER BY id")]


def close(disk, connection):
    """End as a killed process does: nothing more is written."""
    disk.is_off = True
    connection.close()
    disk.start()


def test_it_is_sqlite_as_ever(disk, tmp_path_factory):
    with contextlib.closing(opened(disk)) as connection:
        for number in range(20):
            put(connection, number)
        with files.reading(disk.folder / "a.db") as other:
            assert rows(other) == list(range(20))
            other.execute("PRAGMA busy_timeout = 0")
            connection.execute("BEGIN IMMEDIATE")
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
            connection.rollback()
    assert disk.calls["write"] > 40
    assert disk.calls["sync"] > 20
    before = disk.calls.total()
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "b.db"
    with contextlib.closing(sqlite3.connect(elsewhere)) as other:
        other.execute("CREATE TABLE t (id)")
    assert disk.calls.total() == before


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ("write", errno.EIO, "disk I/O error"),
        ("write", errno.ENOSPC, "database or disk is full"),
        ("sync", errno.EIO, "disk I/O error"),
    ],
)
def test_a_call_that_fails_is_told_and_the_row_is_not_there(disk, call, error, words):
    with contextlib.closing(opened(disk)) as connection:
        put(connection, 1)
        disk.fail_in, disk.fail_only, disk.fail_with = 0, frozenset((call,)), error
        with pytest.raises(sqlite3.OperationalError, match=words):
            put(connection, 2)
        assert disk.struck == [f"{call} a.db-wal"]
        assert rows(connection) == [1]
        put(connection, 3)
        assert rows(connection) == [1, 3]


def test_a_read_that_fails_is_told(disk):
    with contextlib.closing(opened(disk)) as connection:
        put(connection, 1)
    disk.fail_in, disk.fail_only = 0, frozenset(("read",))
    with pytest.raises(sqlite3.OperationalError, match="disk I/O error"), files.reading(disk.folder / "a.db") as file:
        rows(file)
    with files.reading(disk.folder / "a.db") as file:
        assert rows(file) == [1]


@pytest.mark.parametrize("seed", range(8))
def test_the_power_goes_at_every_call_of_a_commit(disk, seed):
    """Whatever the disk made of it: what was committed is there, and of the last row all or nothing."""
    disk.luck.seed(seed)
    connection = opened(disk)
    kept = 0
    for calls in range(0, 40, 2):
        disk.stop_in = calls
        returned = kept
        try:
            while True:
                put(connection, returned + 1)
                returned += 1
        except sqlite3.OperationalError:
            pass
        close(disk, connection)
        disk.cut()
        connection = opened(disk)
        assert rows(connection) in (list(range(1, returned + 1)), list(range(1, returned + 2)))
        kept = len(rows(connection))
    connection.close()
    assert kept > 10


@pytest.mark.parametrize("late", range(4))
def test_what_follows_a_sync_that_failed_survives_a_cut(disk, late):
    """The system forgets what it could not write, and later syncs say nothing of it: the next start writes it again."""
    connection = opened(disk)
    put(connection, 1)
    disk.fail_in, disk.fail_only = 0, frozenset(("sync",))
    with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
        put(connection, 2)
    close(disk, connection)
    connection = opened(disk)
    before = rows(connection)
    for number in range(3, 3 + late):
        put(connection, number)
    close(disk, connection)
    disk.cut()
    connection = opened(disk)
    assert rows(connection) == [*before, *range(3, 3 + late)]
    connection.close()


def test_without_syncing_a_cut_loses_what_was_committed(disk):
    """The harness would see it: this is what `synchronous=OFF` costs."""
    lost = 0
    for seed in range(12):
        disk.luck.seed(seed)
        (disk.folder / "a.db").unlink(missing_ok=True)
        connection = opened(disk)
        connection.execute("PRAGMA synchronous=OFF")
        for number in range(1, 6):
            put(connection, number)
        close(disk, connection)
        disk.cut()
        connection = opened(disk)
        lost += len(rows(connection)) < 5
        connection.close()
    assert lost > 3
