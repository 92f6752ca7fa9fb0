"""The journal's files on disk: opened, checked, and set aside when they are damaged.

In: paths and schemas. Out: SQLite connections whose commits reach the disk. Never mends or deletes a damaged file: it
is renamed, with its write-ahead log, for whoever wants to look into it.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

BUSY_S = 10.0
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR}


class InUse(Exception):
    """Another process works in this folder."""


def lock(folder: Path) -> int:
    """Claim a folder until the returned descriptor is closed or the process ends. Raises InUse."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise InUse(f"{folder}: another agent keeps its journal here") from None
    return descriptor


def reading(path: Path) -> "contextlib.closing[sqlite3.Connection]":
    """A connection of the caller's own to a file that exists; it closes at the end of its `with` block."""
    return _connected(path, "rw")


def opened(path: Path, schema: Sequence[str]) -> tuple[sqlite3.Connection, str | None]:
    """Open a file for writing: (connection, the name under which a damaged one was set aside)."""
    aside = _set_aside(path) if path.exists() and not _is_sound(path) else None
    began = not path.exists()
    connection = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False)
    try:
        durable(connection)
        for statement in schema:
            connection.execute(statement)
        connection.commit()
    except sqlite3.Error:
        connection.close()
        raise
    if began:
        _sync(path.parent)  # the file's name, too, must survive a power cut
    return connection, aside


def durable(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Let every commit wait until it is on the disk."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def _is_sound(path: Path) -> bool:
    """Whether a file's pages fit together and it still has its tables. Looking changes nothing, not even its log."""
    if not path.stat().st_size:
        return False
    try:
        with _connected(path, "ro") as file:
            fits = file.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
            tables = file.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()
            return fits and bool(tables[0])
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in DAMAGED:
            return False
        raise  # no room, no permission, busy: the file itself may be sound


def _connected(path: Path, mode: str) -> "contextlib.closing[sqlite3.Connection]":
    return contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_S))


def _set_aside(path: Path) -> str:
    number = 0
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(aside)
    wal = path.with_name(path.name + "-wal")
    if wal.exists():
        wal.rename(aside.with_name(aside.name + "-wal"))
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    _sync(path.parent)
    return aside.name


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
