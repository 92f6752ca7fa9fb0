"""The journal: what the agent has read and sealed, on disk before anyone hears of it.

Sealed entries lie in one SQLite file a day (`2026-11-20.db`), readings not yet sealed and the agent's small state in
`open.db`. Every commit reaches the disk (WAL, synchronous=FULL). An entry's row says up to which unsealed row it
covers, so a crash between the two files repeats nothing: recovery drops rows that are already sealed.
"""

import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import zstandard

from contract.chain import Head
from contract.entry import Sealed

ENTRIES = """CREATE TABLE IF NOT EXISTS entry (
  id INTEGER PRIMARY KEY, epoch BLOB NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL, type TEXT NOT NULL,
  from_ns INTEGER NOT NULL, to_ns INTEGER NOT NULL, covers INTEGER NOT NULL, signed BLOB NOT NULL, body BLOB NOT NULL,
  UNIQUE (epoch, seq))"""
OPEN = (
    "CREATE TABLE IF NOT EXISTS unsealed (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, data BLOB, crc INTEGER)",
    "CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, data BLOB)",
    "CREATE TABLE IF NOT EXISTS delivered (epoch BLOB PRIMARY KEY, seq INTEGER, hash BLOB)",
)


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


class Journal:
    """One per agent. All calls come from one thread, except `after`, `get` and `delivered`, which open their own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.set_aside: list[str] = []  # damaged files, by their new names; the caller tells of them
        self._open = self._connect(folder / "open.db", *OPEN)
        self._day: tuple[str, sqlite3.Connection] | None = None
        for path in self._days():
            self._connect(path, ENTRIES).close()  # sets a damaged file aside before anybody relies on it
        self._never_reuse_row_ids()

    def _never_reuse_row_ids(self) -> None:
        """Where `open.db` was lost its ids would start again, below those that entries say they cover."""
        covered = max((self._covers(path) for path in self._days()), default=0)
        if self.last_row() < covered:
            with self._open:
                self._open.execute("INSERT INTO unsealed (id, kind, data, crc) VALUES (?, '', x'', 0)", (covered,))
                self._open.execute("DELETE FROM unsealed WHERE id = ?", (covered,))

    def close(self) -> None:
        """Let go of the files."""
        self._open.close()
        if self._day is not None:
            self._day[1].close()

    def record(self, rows: Sequence[tuple[str, bytes]], state: Mapping[str, bytes]) -> None:
        """Commit unsealed rows and state together. After a crash either all of it is there or none."""
        with self._open:
            self._open.executemany(
                "INSERT INTO unsealed (kind, data, crc) VALUES (?, ?, ?)",
                [(kind, data, zlib.crc32(data)) for kind, data in rows],
            )
            self._open.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", list(state.items()))

    def state(self) -> dict[str, bytes]:
        """The state as last committed."""
        return dict(self._open.execute("SELECT name, data FROM state"))

    def unsealed(self) -> tuple[list[Unsealed], int]:
        """Rows that no entry covers yet, and how many were damaged and left out."""
        covered = max((self._covers(path) for path in self._days()), default=0)
        rows = self._open.execute("SELECT id, kind, data, crc FROM unsealed WHERE id > ? ORDER BY id", (covered,))
        found, damaged = [], 0
        for row_id, kind, data, crc in rows:
            if zlib.crc32(data) == crc:
                found.append(Unsealed(row_id, kind, data))
            else:
                damaged += 1
        return found, damaged

    def last_row(self) -> int:
        """The newest unsealed row's id, or 0: what the next entries will cover."""
        (row_id,) = self._open.execute("SELECT seq FROM sqlite_sequence WHERE name = 'unsealed'").fetchone() or (0,)
        return int(row_id)

    def seal(self, entries: Sequence[Stored], covers: int, at_ns: int) -> None:
        """Commit sealed entries that cover the unsealed rows up to `covers`, then drop those rows."""
        day = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).date().isoformat()
        if self._day is None or self._day[0] < day:
            if self._day is not None:
                self._day[1].close()
            self._day = day, self._connect(self._folder / f"{day}.db", ENTRIES)
        compress = zstandard.ZstdCompressor(level=3).compress
        with self._day[1] as files:
            files.executemany(
                "INSERT INTO entry (epoch, seq, hash, type, from_ns, to_ns, covers, signed, body)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (e.epoch, e.seq, e.sealed.hash, e.type, e.from_ns, e.to_ns, covers, e.sealed.signed,
                     compress(e.sealed.body))
                    for e in entries
                ],
            )  # fmt: skip
        # a crash here leaves rows that the entries above already cover: `unsealed` passes them over
        with self._open:
            self._open.execute("DELETE FROM unsealed WHERE id <= ?", (covers,))

    def head(self) -> Head | None:
        """The last entry ever sealed."""
        for path in reversed(self._days()):
            with self._reading(path) as files:
                row = files.execute("SELECT epoch, seq, hash FROM entry ORDER BY id DESC LIMIT 1").fetchone()
            if row is not None:
                return Head(*row)
        return None

    def since(self, from_ns: int, types: Sequence[str]) -> Iterator[Stored]:
        """Entries of the given types whose time span ends at or after `from_ns`, in order."""
        marks = ",".join("?" * len(types))
        for path in self._days():
            with self._reading(path) as files:
                rows = files.execute(f"{SELECT} WHERE to_ns >= ? AND type IN ({marks}) ORDER BY id", (from_ns, *types))
                yield from map(_stored, rows)

    def last_manifest(self, epoch: bytes) -> Stored | None:
        """The newest manifest of an epoch."""
        for path in reversed(self._days()):
            with self._reading(path) as files:
                row = files.execute(
                    f"{SELECT} WHERE epoch = ? AND type = 'manifest' ORDER BY id DESC LIMIT 1", (epoch,)
                ).fetchone()
            if row is not None:
                return _stored(row)
        return None

    def after(self, delivered: Mapping[bytes, int], limit: int) -> list[Stored]:
        """The first `limit` entries beyond each epoch's delivered seq, in the order they were sealed."""
        found: list[Stored] = []
        for path in self._days():
            with self._reading(path) as files:
                for epoch, seq in files.execute("SELECT epoch, seq FROM entry ORDER BY id").fetchall():
                    if seq <= delivered.get(epoch, -1):
                        continue
                    found.append(_stored(files.execute(f"{SELECT} WHERE epoch=? AND seq=?", (epoch, seq)).fetchone()))
                    if len(found) == limit:
                        return found
        return found

    def delivered(self) -> dict[bytes, int]:
        """How far the gateway has confirmed each epoch."""
        with self._reading(self._folder / "open.db") as files:
            return dict(files.execute("SELECT epoch, seq FROM delivered"))

    def confirm(self, heads: Sequence[Head]) -> None:
        """Remember what a receipt says is durable."""
        with self._reading(self._folder / "open.db", write=True) as files, files:
            files.executemany(
                "INSERT OR REPLACE INTO delivered VALUES (?, ?, ?)", [(h.epoch, h.seq, h.hash) for h in heads]
            )

    def _days(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].db"))

    def _covers(self, path: Path) -> int:
        with self._reading(path) as files:
            return int(files.execute("SELECT coalesce(max(covers), 0) FROM entry").fetchone()[0])

    def _reading(self, path: Path, *, write: bool = False) -> "_Closing":
        return _Closing(_configure(sqlite3.connect(path, timeout=10), write=write))

    def _connect(self, path: Path, *schema: str) -> sqlite3.Connection:
        """Open a file for writing. A damaged one is renamed, told of, and begun anew: the agent always starts."""
        try:
            return _prepared(path, schema)
        except sqlite3.DatabaseError:
            damaged = path.with_name(f"{path.name}.damaged-{len(list(path.parent.glob('*.damaged-*')))}")
            path.rename(damaged)
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            self.set_aside.append(damaged.name)
            return _prepared(path, schema)


SELECT = "SELECT signed, body, hash, epoch, seq, type, from_ns, to_ns FROM entry"


class _Closing:
    """A connection that closes at the end of its block; sqlite3's own context manager only commits."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> sqlite3.Connection:
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _prepared(path: Path, schema: Sequence[str]) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=10, check_same_thread=False)
    try:
        _configure(connection, write=True)
        sound = connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
        for statement in schema if sound else ():
            connection.execute(statement)
    except sqlite3.DatabaseError:
        connection.close()
        raise
    if not sound:
        connection.close()
        raise sqlite3.DatabaseError(f"{path.name} is damaged")
    return connection


def _configure(connection: sqlite3.Connection, *, write: bool) -> sqlite3.Connection:
    if write:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
    return connection


def _stored(row: tuple[bytes, bytes, bytes, bytes, int, str, int, int]) -> Stored:
    signed, body, entry_hash, epoch, seq, kind, from_ns, to_ns = row
    return Stored(
        Sealed(signed, zstandard.ZstdDecompressor().decompress(body), entry_hash), epoch, seq, kind, from_ns, to_ns
    )
