"""Rows of a damaged file: all that can be read are in the new one, and the damaged one is as it was."""

import contextlib
import sqlite3

import pytest

from agent import rescue

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY, data BLOB, UNIQUE (id))",
    "CREATE TABLE IF NOT EXISTS named (name TEXT PRIMARY KEY, data BLOB)",
)
ROWS, PAGE = 400, 4096


def content(number):
    return (number + 1).to_bytes(4, "big") * 60


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.db"
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        file.execute("PRAGMA journal_mode=WAL")
        for statement in SCHEMA:
            file.execute(statement)
        file.executemany("INSERT INTO kept VALUES (?, ?)", [(9_000_000 + n, content(n)) for n in range(ROWS)])
        file.execute("INSERT INTO named VALUES ('a', x'01')")
        file.commit()
        file.execute("VACUUM")  # no row's bytes lie in a second place
    return path


def found(made):
    with contextlib.closing(sqlite3.connect(made)) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = dict(file.execute("SELECT id - 9000000, data FROM kept"))
        assert all(data == content(number) for number, data in rows.items())
        return set(rows), file.execute("SELECT count(*) FROM named").fetchone()[0]


def leaves(path):
    """Per page the rows that lie whole in it: where SQLite put them, seen in the bytes alone."""
    data = path.read_bytes()
    where = {}
    for number in range(ROWS):
        at = data.find(content(number))
        where.setdefault(at // PAGE, set()).add(number)
    return where


def test_all_but_the_rows_of_a_lost_page(path):
    whole, pages = path.read_bytes(), leaves(path)
    assert len(pages) > 10
    for page, rows in pages.items():
        path.write_bytes(whole[: page * PAGE] + bytes(PAGE) + whole[(page + 1) * PAGE :])
        before = path.read_bytes()
        assert found(rescue.rescued(path, SCHEMA)) == (set(range(ROWS)) - rows, 1)
        assert path.read_bytes() == before


def test_all_rows_though_the_page_that_says_where_they_are_is_gone(path):
    path.write_bytes(bytes(PAGE) + path.read_bytes()[PAGE:])
    assert found(rescue.rescued(path, SCHEMA)) == (set(range(ROWS)), 1)
    assert sorted(p.name for p in path.parent.iterdir()) == ["a.db", "a.db.rescued"]


def test_what_only_the_log_holds_though_the_file_itself_is_empty(path):
    file = sqlite3.connect(path)
    file.execute("DELETE FROM kept WHERE id >= 9000100")
    file.commit()
    log = path.with_name("a.db-wal").read_bytes()
    file.close()
    path.write_bytes(b"")
    path.with_name("a.db-wal").write_bytes(log)
    made = rescue.rescued(path, SCHEMA)
    assert path.with_name("a.db-wal").read_bytes() == log
    assert made is None or found(made)[0] <= set(range(100))


@pytest.mark.parametrize("content", [b"", b"no database " * 900])
def test_nothing_of_what_is_none(path, content):
    path.write_bytes(content)
    assert rescue.rescued(path, SCHEMA) is None
    assert [p.name for p in path.parent.iterdir()] == ["a.db"]


def test_nothing_where_there_is_no_room(path, monkeypatch):
    path.write_bytes(bytes(PAGE) + path.read_bytes()[PAGE:])
    monkeypatch.setattr(rescue.shutil, "copyfile", full)
    assert rescue.rescued(path, SCHEMA) is None
    assert [p.name for p in path.parent.iterdir()] == ["a.db"]


def full(*_):
    raise OSError(28, "No space left on device")
