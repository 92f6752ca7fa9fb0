"""What can still be read of a damaged database is copied into a new one beside it.

In: a damaged file, its log and its tables. Out: a file with the rows that could be read, `NAME.rescued`, or None. The
damaged file stays as it is. Whether a row is what was written is for its reader to judge: rows have checksums.
"""

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

PAGE = 4096
ROW_BYTES_LEAST = 64  # so many rows a file can hold, which bounds the search for them
NO_TABLE = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN}
FAILED_MOST = 1000  # rows in a stretch that one lost page can hide


def rescued(path: Path, schema: Sequence[str]) -> Path | None:
    """Copy what can be read. None if that is nothing, or if there is no room to copy to."""
    made = path.with_name(path.name + ".rescued")
    discard(made)
    try:
        # of an empty file SQLite would delete the log
        found = path.stat().st_size >= PAGE and _copied(path, made, schema)
        found = found or _copied(_beheaded(path, schema), made, schema)
    except (sqlite3.Error, OSError):
        found = 0
    finally:
        discard(path.with_name(path.name + ".head"))
    if not found:
        discard(made)
        return None
    return made


def discard(path: Path) -> None:
    """Remove a file of ours with its log."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _copied(path: Path, to: Path, schema: Sequence[str]) -> int:
    """How many rows could be read and are in the new file now."""
    count = 0
    with contextlib.closing(sqlite3.connect(to)) as new, _reading(path) as old:
        for statement in schema:
            new.execute(statement)
        names = [name for (name,) in new.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        bound = sum(part.stat().st_size for part in (path, _log(path)) if part.is_file()) // ROW_BYTES_LEAST + 1
        with new:
            for table in (name for name in names if not name.startswith("sqlite_")):
                columns = [row[1] for row in new.execute(f"PRAGMA table_info({table})")]
                words = f"rowid, {', '.join(columns)}"
                places = ", ".join("?" * (len(columns) + 1))
                keep = f"INSERT OR IGNORE INTO {table} ({words}) VALUES ({places})"  # noqa: S608 - a table of ours
                for row in _rows(old, f"SELECT {words} FROM {table}", bound):  # noqa: S608
                    count += new.execute(keep, row).rowcount
    return count


def _rows(file: sqlite3.Connection, select: str, bound: int) -> Iterator[Sequence[object]]:
    """Rows from both ends as far as they can be read, then those in between one by one; some may come twice."""
    lowest, highest = 0, None
    try:
        for row in file.execute(f"{select} ORDER BY rowid"):
            lowest = row[0]
            yield row
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in NO_TABLE:
            return
    else:
        return
    with contextlib.suppress(sqlite3.Error):
        for row in file.execute(f"{select} WHERE rowid > ? ORDER BY rowid DESC", (lowest,)):
            highest = row[0]
            yield row
    upwards = range(lowest + 1, highest or lowest + bound) if lowest or highest is None else range(0)
    downwards = range((highest or 1) - 1, max(lowest, (highest or 1) - bound), -1)
    for rowids in (upwards, downwards):
        failed = 0
        for rowid in rowids:
            try:
                yield from file.execute(f"{select} WHERE rowid = ?", (rowid,)).fetchall()
                failed = 0
            except sqlite3.Error:
                failed += 1
            if failed == FAILED_MOST:
                break


def _reading(path: Path) -> "contextlib.closing[sqlite3.Connection]":
    file = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    file.text_factory = lambda data: data.decode(errors="replace")
    return contextlib.closing(file)


def _beheaded(path: Path, schema: Sequence[str]) -> Path:
    """A copy whose first page, which says where its tables are, is that of a new file with the same tables."""
    copy = path.with_name(path.name + ".head")
    shutil.copyfile(path, copy)
    if _log(path).is_file():
        shutil.copyfile(_log(path), _log(copy))
    with contextlib.closing(sqlite3.connect(":memory:")) as fresh:
        for statement in schema:
            fresh.execute(statement)
        page = bytearray(fresh.serialize()[:PAGE])
    page[18:20] = b"\x02\x02"  # it may have a log
    page[24:28], page[92:96] = bytes(3) + b"\x01", bytes(4)  # so that its size counts, not what this page says of it
    with copy.open("r+b") as file:
        file.write(page)
    return copy


def _log(path: Path) -> Path:
    return path.with_name(path.name + "-wal")
