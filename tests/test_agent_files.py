"""Files: damage is found wherever it lies, set aside whole, and never confused with a disk that has no room."""

import errno
import sqlite3

import pytest

from agent import files

SCHEMA = ("CREATE TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY, data BLOB)",)


def sqlite_error(code):
    error = sqlite3.OperationalError("told")
    error.sqlite_errorcode = code
    return error


def filled(path, rows=200):
    connection, aside = files.opened(path, SCHEMA)
    assert aside is None
    with connection:
        connection.executemany("INSERT INTO kept (data) VALUES (?)", [(bytes([n % 256]) * 200,) for n in range(rows)])
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def test_commits_reach_the_disk(tmp_path):
    connection, _ = files.opened(tmp_path / "a.db", SCHEMA)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    connection.close()


def test_a_sound_file_is_opened_as_it_is(tmp_path):
    filled(tmp_path / "a.db")
    connection, aside = files.opened(tmp_path / "a.db", SCHEMA)
    assert aside is None
    assert connection.execute("SELECT count(*) FROM kept").fetchone() == (200,)
    connection.close()


@pytest.mark.parametrize("damage", ["head", "middle", "cut", "empty", "text"])
def test_a_damaged_file_is_set_aside_whole_and_begun_anew(tmp_path, damage):
    path = tmp_path / "a.db"
    filled(path)
    whole = path.read_bytes()
    broken = {
        "head": b"\xff" * 100 + whole[100:],
        "middle": whole[:8192] + b"\xff" * 4096 + whole[12288:],
        "cut": whole[: len(whole) // 2 // 4096 * 4096 + 100],
        "empty": b"",
        "text": b"not a database" * 100,
    }[damage]
    path.write_bytes(broken)
    for number in range(2):
        connection, aside = files.opened(path, SCHEMA)
        assert aside == f"a.db.damaged-{number}"
        assert (tmp_path / aside).read_bytes() == broken
        found = connection.execute("SELECT id, data FROM kept ORDER BY id").fetchall()
        sound = [row for row, data in found if data == bytes([(row - 1) % 256]) * 200]
        assert (len(sound) > 60) == (damage not in {"empty", "text"})
        assert len(sound) == len(found) or damage == "cut"  # a row may be cut as well: its reader has a checksum
        connection.close()
        path.write_bytes(broken)


def test_the_log_of_a_damaged_file_is_kept_beside_it(tmp_path):
    (tmp_path / "a.db").write_bytes(b"not a database" * 100)
    (tmp_path / "a.db-wal").write_bytes(b"what may be saved")
    files.opened(tmp_path / "a.db", SCHEMA)[0].close()
    assert (tmp_path / "a.db.damaged-0-wal").read_bytes() == b"what may be saved"


def test_a_file_that_cannot_be_opened_now_is_not_taken_for_damaged(tmp_path):
    filled(tmp_path / "a.db")
    holder = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("PRAGMA journal_mode=DELETE")
    holder.execute("BEGIN EXCLUSIVE")
    files_busy, files.BUSY_S = files.BUSY_S, 0.05
    try:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            files.opened(tmp_path / "a.db", SCHEMA)
    finally:
        files.BUSY_S = files_busy
        holder.close()
    assert [path.name for path in tmp_path.glob("*damaged*")] == []


def test_reading_never_makes_a_file(tmp_path):
    with pytest.raises(sqlite3.OperationalError):
        files.reading(tmp_path / "none.db").__enter__().execute("SELECT 1 FROM sqlite_master")
    assert not (tmp_path / "none.db").exists()


def test_a_folder_has_one_owner(tmp_path):
    descriptor = files.lock(tmp_path)
    with pytest.raises(files.InUse, match=str(tmp_path)):
        files.lock(tmp_path)
    files.os.close(descriptor)
    files.os.close(files.lock(tmp_path))


def test_what_is_no_file_is_set_aside_and_said(tmp_path):
    (tmp_path / "a.db").mkdir()
    (tmp_path / "a.db-wal").symlink_to("nowhere")
    told = files.prepare(tmp_path / "a.db")
    assert told == [
        "a.db was no file: set aside as a.db.damaged-0",
        "a.db-wal was no file: set aside as a.db-wal.damaged-0",
    ]
    filled(tmp_path / "a.db")
    assert files.prepare(tmp_path / "a.db") == []


def test_a_file_that_its_owner_may_not_read_can_be_read_again(tmp_path, monkeypatch):
    filled(tmp_path / "a.db")
    (tmp_path / "a.db").chmod(0)
    monkeypatch.setattr(files.os, "access", lambda path, _: path.stat().st_mode & 0o600 == 0o600)  # root may always
    assert files.prepare(tmp_path / "a.db") == ["a.db could not be read: its owner may again"]
    assert (tmp_path / "a.db").stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr(files.os, "geteuid", lambda: -1)
    (tmp_path / "a.db").chmod(0)
    assert files.prepare(tmp_path / "a.db") == [], "somebody else's: a person must see to it"


def test_a_deleted_file_is_gone_with_its_log(tmp_path):
    filled(tmp_path / "a.db")
    (tmp_path / "a.db-wal").write_bytes(b"log")
    files.delete(tmp_path / "a.db")
    assert list(tmp_path.iterdir()) == []


def test_a_rescue_that_a_crash_cut_short_is_taken_up(tmp_path):
    filled(tmp_path / "a.db")
    (tmp_path / "a.db").rename(tmp_path / "a.db.rescued")
    connection, aside = files.opened(tmp_path / "a.db", SCHEMA)
    assert (connection.execute("SELECT count(*) FROM kept").fetchone(), aside) == ((200,), None)
    connection.close()


@pytest.mark.parametrize(
    ("error", "free", "full"),
    [
        (sqlite_error(sqlite3.SQLITE_FULL), 1 << 40, True),
        (sqlite_error(sqlite3.SQLITE_CANTOPEN), 0, True),
        (sqlite_error(sqlite3.SQLITE_CANTOPEN), 1 << 40, False),
        (sqlite_error(sqlite3.SQLITE_IOERR_WRITE), 0, True),
        (sqlite_error(sqlite3.SQLITE_IOERR_WRITE), 1 << 40, False),
        (sqlite_error(sqlite3.SQLITE_BUSY), 0, False),
        (sqlite3.DatabaseError("malformed"), 0, False),
        (OSError(errno.ENOSPC, "full"), 1 << 40, True),
        (OSError(errno.EDQUOT, "quota"), 1 << 40, True),
        (OSError(errno.EACCES, "not yours"), 0, False),
    ],
    ids=lambda value: str(getattr(value, "sqlite_errorcode", value)),
)
def test_only_a_want_of_room_is_one(tmp_path, monkeypatch, error, free, full):
    monkeypatch.setattr(files, "free_bytes", lambda _: free)
    assert files.is_full(error, tmp_path) == full


@pytest.mark.parametrize(
    ("error", "damage"),
    [
        (sqlite_error(sqlite3.SQLITE_CORRUPT), True),
        (sqlite_error(sqlite3.SQLITE_NOTADB), True),
        (files.Damaged("an entry"), True),
        (sqlite_error(sqlite3.SQLITE_FULL), False),
        (sqlite3.ProgrammingError("ours"), False),
    ],
    ids=lambda value: str(getattr(value, "sqlite_errorcode", value)),
)
def test_only_damage_is_damage(error, damage):
    assert files.is_damage(error) == damage
