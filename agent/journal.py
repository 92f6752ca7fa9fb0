"""The journal: what the agent has read and sealed, on disk before anyone hears of it.

Sealed entries lie in one SQLite file a day (`2026-11-20.db`), readings not yet sealed and the agent's small state in
`open.db`. Every commit reaches the disk. An entry's row says up to which unsealed row it covers, so a crash between the
two files repeats nothing: recovery drops rows that are already sealed. A damaged row is left out and counted.
"""

import os
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import zstandard

from agent import files
from contract.chain import Head
from contract.entry import Sealed
from contract.message import PLAIN_BYTES_MAX

ENTRIES = (
    """CREATE TABLE IF NOT EXISTS entry (
  id INTEGER PRIMARY KEY, epoch BLOB NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL, type TEXT NOT NULL,
  from_ns INTEGER NOT NULL, to_ns INTEGER NOT NULL, at_ns INTEGER NOT NULL, covers INTEGER NOT NULL,
  signed BLOB NOT NULL, body BLOB NOT NULL, crc INTEGER NOT NULL, UNIQUE (epoch, seq))""",
    "CREATE INDEX IF NOT EXISTS entry_by_type ON entry (type, id)",
)
OPEN = (
    """CREATE TABLE IF NOT EXISTS unsealed (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, data BLOB, at_ns INTEGER, crc INTEGER)""",
    "CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, data BLOB, crc INTEGER)",
    "CREATE TABLE IF NOT EXISTS delivered (epoch BLOB PRIMARY KEY, seq INTEGER, hash BLOB)",
)
INSERT = "INSERT INTO entry VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
SELECT = "SELECT signed, body, hash, epoch, seq, type, from_ns, to_ns, crc FROM entry"


@dataclass(frozen=True, slots=True)
class Stored:
    """A sealed entry with what its row says of it."""

    sealed: Sealed
    epoch: bytes
    seq: int
    type: str
    from_ns: int
    to_ns: int


@dataclass(frozen=True, slots=True)
class Unsealed:
    """A row not yet under a signature: kind "scan" or "event", and its bytes."""

    id: int
    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Left:
    """What the last run left open: rows that no entry covers, the state, and how many damaged rows were left out."""

    rows: tuple[Unsealed, ...]
    state: Mapping[str, bytes]
    damaged: int


@dataclass(frozen=True, slots=True)
class Extent:
    """The entries of one epoch in one day's file: seq `first` to `last`."""

    path: Path
    epoch: bytes
    first: int
    last: int


class Journal:
    """One per folder. All calls come from one thread, except `after`, `delivered` and `confirm`."""

    def __init__(self, folder: Path) -> None:
        """Open or begin a journal. Raises files.InUse, OSError or sqlite3.OperationalError."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._lock = folder, files.lock(folder)
        self.set_aside: list[str] = []  # damaged files, by their new names; the caller tells of them
        self.broken: set[bytes] = set()  # epochs of which a sealed entry can no longer be read
        self._open = self._opened(folder / "open.db", OPEN)
        self._day: tuple[Path, sqlite3.Connection] | None = None
        self._extents: list[Extent] = []  # in the order of sealing; replaced, never changed, for other threads read it
        self._covered = self._latest_ns = 0
        for path in sorted(folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].db")):
            self._opened(path, ENTRIES).close()  # sets a damaged file aside before anybody relies on it
            self._survey(path)
        self._never_reuse_row_ids()

    def close(self) -> None:
        """Let go of the files."""
        self._open.close()
        if self._day is not None:
            self._day[1].close()
        os.close(self._lock)

    def latest_ns(self) -> int:
        """The latest time at which anything was written: whatever comes must be later, or it would be out of order."""
        (rows_ns,) = self._open.execute("SELECT max(at_ns) FROM unsealed").fetchone()
        return max(self._latest_ns, rows_ns or 0)

    def record(self, rows: Sequence[tuple[str, bytes]], state: Mapping[str, bytes], at_ns: int) -> None:
        """Commit unsealed rows and state together. After a crash either all of it is there or none."""
        with self._open:
            self._open.executemany(
                "INSERT INTO unsealed (kind, data, at_ns, crc) VALUES (?, ?, ?, ?)",
                [(kind, data, at_ns, _crc(kind.encode(), data)) for kind, data in rows],
            )
            self._open.executemany(
                "INSERT OR REPLACE INTO state VALUES (?, ?, ?)",
                [(name, data, _crc(name.encode(), data)) for name, data in state.items()],
            )

    def left(self) -> Left:
        """What `record` made durable and no entry covers yet."""
        rows, state, damaged = [], {}, 0
        for row_id, kind, data, crc in self._open.execute(
            "SELECT id, kind, data, crc FROM unsealed WHERE id > ? ORDER BY id", (self._covered,)
        ):
            if _is_sound(kind, data, crc):
                rows.append(Unsealed(row_id, kind, data))
            else:
                damaged += 1
        for name, data, crc in self._open.execute("SELECT name, data, crc FROM state"):
            if _is_sound(name, data, crc):
                state[name] = data
            else:
                damaged += 1
        return Left(tuple(rows), state, damaged)

    def last_row(self) -> int:
        """The newest unsealed row's id, or 0: what the next entries will cover."""
        (row_id,) = self._open.execute("SELECT seq FROM sqlite_sequence WHERE name = 'unsealed'").fetchone() or (0,)
        return int(row_id)

    def seal(self, entries: Sequence[Stored], covers: int, at_ns: int) -> None:
        """Commit sealed entries that cover the unsealed rows up to `covers`, then drop those rows."""
        path, connection = self._file_of(at_ns)
        with connection:
            connection.executemany(INSERT, [_row(entry, covers, at_ns) for entry in entries])
        # a crash here leaves rows that the entries above already cover: `left` passes them over
        self._covered, self._latest_ns = max(self._covered, covers), max(self._latest_ns, at_ns)
        self._extents = _extended(self._extents, path, entries)
        with self._open:
            self._open.execute("DELETE FROM unsealed WHERE id <= ?", (covers,))

    def head(self) -> Head | None:
        """The last entry ever sealed."""
        if not self._extents:
            return None
        last = self._extents[-1]
        with files.reading(last.path) as file:
            row = file.execute("SELECT hash FROM entry WHERE epoch = ? AND seq = ?", (last.epoch, last.last)).fetchone()
        return Head(last.epoch, last.last, row[0])

    def since(self, from_ns: int, kind: str) -> Iterator[Stored]:
        """Sound entries of a type whose time span ends at or after `from_ns`, in order."""
        for path in self._days():
            yield from self._rows(path, "WHERE type = ? AND to_ns >= ? ORDER BY id", (kind, from_ns))

    def backwards(self, kind: str) -> Iterator[Stored]:
        """Sound entries of a type, the newest first."""
        for path in reversed(self._days()):
            yield from self._rows(path, "WHERE type = ? ORDER BY id DESC", (kind,))

    def after(self, reached: Mapping[bytes, int], limit: int) -> list[Stored]:
        """The first `limit` entries beyond what each epoch has reached, in the order they were sealed.

        Nothing beyond a hole: an entry can only be admitted after the one before it.
        """
        found: list[Stored] = []
        due: dict[bytes, int] = {}
        for extent in self._extents:
            first = due.setdefault(extent.epoch, reached.get(extent.epoch, -1) + 1)
            if not extent.first <= first <= extent.last or len(found) >= limit:
                continue
            words = "WHERE epoch = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?"
            room = limit - len(found)
            for entry in self._rows(extent.path, words, (extent.epoch, first, extent.last, room)):
                if entry.seq != due[extent.epoch]:
                    break
                found.append(entry)
                due[extent.epoch] += 1
        return found

    def delivered(self) -> dict[bytes, int]:
        """How far the gateway has confirmed each epoch."""
        with files.reading(self._folder / "open.db") as file:
            return dict(file.execute("SELECT epoch, seq FROM delivered"))

    def confirm(self, reached: Mapping[bytes, int]) -> None:
        """Remember per epoch how far a receipt says it is durable; -1: nothing of it."""
        with files.reading(self._folder / "open.db") as file, files.durable(file):
            file.executemany("INSERT OR REPLACE INTO delivered (epoch, seq) VALUES (?, ?)", list(reached.items()))

    def _file_of(self, at_ns: int) -> tuple[Path, sqlite3.Connection]:
        """Where an entry sealed now belongs: today's file, but never one before the last."""
        path = self._folder / f"{datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).date().isoformat()}.db"
        path = max([path, *(extent.path for extent in self._extents[-1:])])
        if self._day is None or self._day[0] != path:
            if self._day is not None:
                self._day[1].close()
            self._day = path, self._opened(path, ENTRIES)
        return self._day

    def _survey(self, path: Path) -> None:
        with files.reading(path) as file:
            epochs = file.execute("SELECT epoch, min(seq), max(seq) FROM entry GROUP BY epoch ORDER BY min(id)")
            self._extents += [Extent(path, *row) for row in epochs]
            row = file.execute("SELECT coalesce(max(covers), 0), coalesce(max(at_ns), 0) FROM entry").fetchone()
        self._covered, self._latest_ns = max(self._covered, row[0]), max(self._latest_ns, row[1])

    def _never_reuse_row_ids(self) -> None:
        """Where `open.db` was lost its ids would start again, below those that entries say they cover."""
        if self.last_row() < self._covered:
            with self._open:
                self._open.execute("INSERT INTO unsealed (id) VALUES (?)", (self._covered,))
                self._open.execute("DELETE FROM unsealed WHERE id = ?", (self._covered,))

    def _days(self) -> list[Path]:
        return list(dict.fromkeys(extent.path for extent in self._extents))

    def _rows(self, path: Path, words: str, values: Sequence[object]) -> Iterator[Stored]:
        with files.reading(path) as file:
            for row in file.execute(f"{SELECT} {words}", values):
                if isinstance(row[0], bytes) and isinstance(row[1], bytes) and _crc(row[0], row[1]) == row[8]:
                    yield _stored(row)
                else:
                    self.broken.add(row[3])

    def _opened(self, path: Path, schema: Sequence[str]) -> sqlite3.Connection:
        connection, aside = files.opened(path, schema)
        if aside is not None:
            self.set_aside.append(aside)
        return connection


def _extended(extents: Sequence[Extent], path: Path, entries: Sequence[Stored]) -> list[Extent]:
    made = list(extents)
    for entry in entries:
        if made and (made[-1].path, made[-1].epoch) == (path, entry.epoch):
            made[-1] = replace(made[-1], last=entry.seq)
        else:
            made.append(Extent(path, entry.epoch, entry.seq, entry.seq))
    return made


def _crc(name: bytes, data: bytes) -> int:
    return zlib.crc32(data, zlib.crc32(name))


def _is_sound(name: object, data: object, crc: object) -> bool:
    """Whether a row is what was written; a damaged one may hold values of any type."""
    return isinstance(name, str) and isinstance(data, bytes) and _crc(name.encode(errors="replace"), data) == crc


def _row(entry: Stored, covers: int, at_ns: int) -> tuple[object, ...]:
    signed, body = entry.sealed.signed, zstandard.ZstdCompressor(level=3).compress(entry.sealed.body)
    return (
        entry.epoch, entry.seq, entry.sealed.hash, entry.type, entry.from_ns, entry.to_ns, at_ns, covers, signed, body,
        _crc(signed, body),
    )  # fmt: skip


def _stored(row: tuple[bytes, bytes, bytes, bytes, int, str, int, int, int]) -> Stored:
    signed, packed, entry_hash, epoch, seq, kind, from_ns, to_ns, _ = row
    body = zstandard.ZstdDecompressor().decompress(packed, max_output_size=PLAIN_BYTES_MAX)
    return Stored(Sealed(signed, body, entry_hash), epoch, seq, kind, from_ns, to_ns)
