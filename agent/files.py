"""The journal's files on disk: opened, checked, and set aside when they are damaged.

In: paths and schemas. Out: SQLite connections whose commits reach the disk. Never mends or deletes a damaged file: it
is renamed, with its write-ahead log, for whoever wants to look into it; what can still be read of it is in the new one.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from agent import rescue, wal

BUSY_S = 10.0
NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
ROOM_LEAST = 1 << 20  # with less, an error of no clear cause is for want of room
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR}


class InUse(Exception):
    """Another process works in this folder."""


class Damaged(Exception):
    """Something that is still needed cannot be read."""


def lock(folder: Path) -> int:
    """Claim a folder until the returned descriptor is closed or the process ends. Raises InUse."""
    path = folder / "lock"
    prepare(path)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise InUse(f"{folder}: another agent keeps its journal here") from None
    return descriptor


def reading(path: Path) -> "contextlib.closing[sqlite3.Connection]":
    """A connection of the caller's own to a file that exists; it closes at the end of its `with` block."""
    return _connected(path, "rw")


def is_full(error: Exception, folder: Path) -> bool:
    """Whether a write failed for want of room, which may come again."""
    if isinstance(error, sqlite3.OperationalError):
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        unclear = code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
        return code == sqlite3.SQLITE_FULL or (unclear and free_bytes(folder) < ROOM_LEAST)
    return isinstance(error, OSError) and error.errno in NO_ROOM


def is_damage(error: Exception) -> bool:
    """Whether a file turned out to be damaged: opening it anew sees to it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return isinstance(error, Damaged) or code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def free_bytes(folder: Path) -> int:
    """What this user may still write on the folder's file system."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def prepare(path: Path) -> list[str]:
    """Make way for a file of ours: what was found and done, one line each.

    What stands in its place, or in its log's, and is no file is set aside; a file that its owner lost the right to read
    has it again. A log with commits that nobody can read any more is copied: SQLite will write over it.
    """
    told = []
    log = path.with_name(path.name + "-wal")
    for one in (path, log, path.with_name(path.name + "-shm")):
        if (one.exists() or one.is_symlink()) and not one.is_file():
            told.append(f"{one.name} was no file: set aside as {_aside(one).name}")
        elif one.exists() and not os.access(one, os.R_OK | os.W_OK) and one.stat().st_uid == os.geteuid():
            one.chmod(0o600)
            told.append(f"{one.name} could not be read: its owner may again")
    if log.exists() and wal.has_lost(log.read_bytes()):
        copy = _free_name(log)
        with contextlib.suppress(OSError):  # no room
            shutil.copyfile(log, copy)
        told.append(f"{log.name}: the end of it cannot be read: copied to {copy.name}")
    if log.exists() and log.stat().st_size and not path.exists():
        path.touch()  # SQLite would delete the log of a file that is not there
    return told


def opened(path: Path, schema: Sequence[str]) -> tuple[sqlite3.Connection, str | None]:
    """Open a file for writing: (connection, the name under which a damaged one was set aside)."""
    made, aside = path.with_name(path.name + ".rescued"), None
    if path.exists():
        rescue.discard(made)
        if not _is_sound(path):
            rescued = rescue.rescued(path, schema)
            aside = _set_aside(path)
    else:
        rescued = made if made.exists() else None  # a crash came before it could take its place
    began = not path.exists()
    if began and rescued is not None:
        rescued.rename(path)
    connection = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False)
    try:
        durable(connection)
        # A sync that failed may have cost what the log holds, though it can still be read, and no later sync of the log
        # would bring it to the disk: written into the file itself it gets there.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        sync(path.with_name(path.name + "-wal"))  # or a power cut could bring back a part of it
        for statement in schema:
            connection.execute(statement)
        connection.commit()
    except sqlite3.Error:
        connection.close()
        raise
    if began:
        sync(path.parent)  # the file's name, too, must survive a power cut
    return connection, aside


def delete(path: Path) -> None:
    """Delete a file with its log for good; a crash in between leaves a name that `finish` knows."""
    going = path.with_name(path.name + ".deleted")
    path.rename(going)
    rescue.discard(path)
    going.unlink()
    sync(path.parent)


def finish(folder: Path) -> None:
    """Finish deletions that a crash cut short."""
    for going in folder.glob("*.deleted"):
        rescue.discard(going.with_name(going.name.removesuffix(".deleted")))
        going.unlink()
        sync(folder)


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
    aside = _aside(path)
    log = path.with_name(path.name + "-wal")
    if log.exists():
        log.rename(aside.with_name(aside.name + "-wal"))
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    sync(path.parent)
    return aside.name


def _aside(path: Path) -> Path:
    return path.rename(_free_name(path))


def _free_name(path: Path) -> Path:
    number = 0
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return aside


def sync(path: Path) -> None:
    """Let names made or gone in a folder reach the disk, or what a file holds."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
