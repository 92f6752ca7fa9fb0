"""`open.db`: readings not yet sealed, the agent's small state, what receipts confirm and what the day files hold.

In: rows and state. Out: the same after a restart. Every row has a checksum; a damaged one is left out and counted. A
journal that lost this file knows what its day files hold by looking, but not what receipts said: `knows_receipts`.
"""

import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent import files
from agent.losses import Cause, Gone
from agent.stored import Extent, checksum
from contract import cbor
from contract.chain import Head

OPEN = (
    """CREATE TABLE IF NOT EXISTS unsealed (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, data BLOB, at_ns INTEGER, crc INTEGER)""",
    "CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, data BLOB, crc INTEGER)",
    "CREATE TABLE IF NOT EXISTS confirmed (epoch BLOB PRIMARY KEY, seq INTEGER, crc INTEGER)",
    """CREATE TABLE IF NOT EXISTS held (
  day TEXT, epoch BLOB, first INTEGER, last INTEGER, last_hash BLOB, from_ns INTEGER, to_ns INTEGER, crc INTEGER,
  PRIMARY KEY (day, epoch, first))""",
    """CREATE TABLE IF NOT EXISTS gone (
  day TEXT, epoch BLOB, first INTEGER, last INTEGER, last_hash BLOB, from_ns INTEGER, to_ns INTEGER, cause TEXT,
  crc INTEGER, PRIMARY KEY (day, epoch, first))""",
)
HEAD, RECEIPTS_LOST = "journal.head", "journal.receipts_lost"
CAUSES: dict[str, Cause] = {"damaged": "damaged", "disk_full": "disk_full", "retired": "retired"}


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


class OpenFile:
    """One per journal. All calls come from one thread, except `confirm`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path, self._file = path, connection
        self._take_over()
        self.damaged = 0  # rows of the tables below that were left out
        self.confirmed: Mapping[bytes, int] = self._confirmed()
        self.knows_receipts = not self._file.execute("SELECT 1 FROM state WHERE name = ?", (RECEIPTS_LOST,)).fetchone()
        self._unkept: dict[bytes, int] = {}
        self._dropped = self._head()[4]  # the last row that was dropped because an entry covers it

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def latest_ns(self) -> int:
        """When the newest unsealed row was written; 0 if there is none."""
        rows = self._file.execute("SELECT kind, data, at_ns, crc FROM unsealed")
        return max((at_ns for kind, data, at_ns, crc in rows if _is_sound(kind, data, at_ns, crc)), default=0)

    def last_row(self) -> int:
        """The newest unsealed row's id, or 0: what the next entries will cover."""
        (row_id,) = self._file.execute("SELECT seq FROM sqlite_sequence WHERE name = 'unsealed'").fetchone() or (0,)
        return int(row_id)

    def never_reuse_row_ids(self, covered: int) -> None:
        """Where the file was lost its ids would start again, below those that entries say they cover."""
        if self.last_row() < covered:
            with self._file:
                self._file.execute("INSERT INTO unsealed (id) VALUES (?)", (covered,))
                self._file.execute("DELETE FROM unsealed WHERE id = ?", (covered,))

    def record(self, rows: Sequence[tuple[str, bytes]], state: Mapping[str, bytes], at_ns: int) -> None:
        """Commit unsealed rows and state together. After a crash either all of it is there or none."""
        with self._file:
            self._file.executemany(
                "INSERT INTO unsealed (kind, data, at_ns, crc) VALUES (?, ?, ?, ?)",
                [(kind, data, at_ns, checksum((kind, data, at_ns))) for kind, data in rows],
            )
            self._put(state)

    def left(self, covered: int) -> Left:
        """What `record` made durable and no entry covers yet."""
        rows, state, damaged, due = [], {}, self.damaged, max(covered, self._dropped) + 1
        unsealed = "SELECT id, kind, data, at_ns, crc FROM unsealed WHERE id > ? ORDER BY id"
        for row_id, kind, data, at_ns, crc in self._file.execute(unsealed, (covered,)):
            if _is_sound(kind, data, at_ns, crc):
                rows.append(Unsealed(row_id, kind, data))
            else:
                damaged += 1
            damaged += max(0, row_id - due)
            due = max(due, row_id + 1)
        for name, data, crc in self._file.execute("SELECT name, data, crc FROM state"):
            if name in {HEAD, RECEIPTS_LOST}:
                continue
            if _is_sound(name, data, None, crc):
                state[name] = data
            else:
                damaged += 1
        return Left(tuple(rows), state, damaged)

    def sealed(self, extent: Extent, covers: int, at_ns: int) -> None:
        """Entries are in a day's file, the newest of them of this extent: drop the rows they cover."""
        dropped = max(self._dropped, covers)
        head = cbor.encode([extent.epoch, extent.last, extent.last_hash, at_ns, dropped])
        with self._file:
            self._file.execute("DELETE FROM unsealed WHERE id <= ?", (covers,))
            self._hold([extent])
            self._put({HEAD: head})
        self._dropped = dropped

    def head(self) -> tuple[Head, int] | None:
        """The entry sealed last and when, as far as this file knows."""
        epoch, seq, entry_hash, at_ns, _ = self._head()
        return None if entry_hash is None else (Head(epoch, seq, entry_hash), at_ns)

    def held(self) -> list[Extent]:
        """What the day files held when this was last written, in order."""
        return [Extent(*row[:7]) for row in self._sound("held")]

    def gone(self) -> list[Gone]:
        """What they hold no longer."""
        return [Gone(Extent(*row[:7]), CAUSES[row[7]]) for row in self._sound("gone")]

    def survey(self, there: Iterable[Extent], gone: Iterable[Gone]) -> None:
        """Let this be what the day files hold, and what they hold no longer, in one commit."""
        with self._file:
            self._file.execute("DELETE FROM held")
            self._file.execute("DELETE FROM gone")
            self._hold(there)
            rows = [(*_fields(one.extent), one.cause) for one in gone]
            self._file.executemany(
                "INSERT OR REPLACE INTO gone VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(*row, checksum(row)) for row in rows],
            )

    def confirm(self, reached: Mapping[bytes, int]) -> None:
        """Remember per epoch how far a receipt says it is durable; -1: nothing of it. Raises sqlite3.Error.

        What could not be written is known until a restart, and written with the next.
        """
        self.confirmed = {**self.confirmed, **reached}
        self._unkept |= reached
        self.knows_receipts = True
        rows = [(epoch, seq, checksum((epoch, seq))) for epoch, seq in self._unkept.items()]
        with files.reading(self._path) as file, files.durable(file):
            file.executemany("INSERT OR REPLACE INTO confirmed VALUES (?, ?, ?)", rows)
            file.execute("DELETE FROM state WHERE name = ?", (RECEIPTS_LOST,))
        self._unkept = {}

    def forget_receipts(self) -> None:
        """What receipts said is lost: until the next one nobody knows what is delivered."""
        self.knows_receipts = False
        with self._file:
            self._put({RECEIPTS_LOST: b""})

    def _head(self) -> tuple[bytes, int, bytes | None, int, int]:
        kept = self._file.execute("SELECT data, crc FROM state WHERE name = ?", (HEAD,)).fetchone()
        if kept is None or not _is_sound(HEAD, kept[0], None, kept[1]):
            return b"", 0, None, 0, 0
        epoch, seq, entry_hash, at_ns, dropped = cbor.decode(kept[0])
        return epoch, seq, entry_hash, at_ns, dropped

    def _take_over(self) -> None:
        """Receipts as earlier versions kept them."""
        if self._file.execute("SELECT 1 FROM sqlite_master WHERE name = 'delivered'").fetchone():
            kept = self._file.execute("SELECT epoch, seq FROM delivered").fetchall()
            with self._file:
                rows = [(*row, checksum(row)) for row in kept]
                self._file.executemany("INSERT OR IGNORE INTO confirmed VALUES (?, ?, ?)", rows)
                self._file.execute("DROP TABLE delivered")

    def _confirmed(self) -> dict[bytes, int]:
        found = {}
        for epoch, seq, crc in self._file.execute("SELECT epoch, seq, crc FROM confirmed"):
            if checksum((epoch, seq)) == crc:
                found[epoch] = seq
            else:
                self.damaged += 1
        return found

    def _sound(self, table: str) -> list[tuple[str, bytes, int, int, bytes | None, int, int, str]]:
        rows = self._file.execute(f"SELECT * FROM {table} ORDER BY rowid")  # noqa: S608 - a table of ours
        return [row[:-1] for row in rows if checksum(row[:-1]) == row[-1]]

    def _hold(self, extents: Iterable[Extent]) -> None:
        rows = [_fields(extent) for extent in extents]
        self._file.executemany(
            "INSERT OR REPLACE INTO held VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [(*row, checksum(row)) for row in rows]
        )

    def _put(self, state: Mapping[str, bytes]) -> None:
        self._file.executemany(
            "INSERT OR REPLACE INTO state VALUES (?, ?, ?)",
            [(name, data, _crc(name.encode(), data)) for name, data in state.items()],
        )


def _fields(extent: Extent) -> tuple[str, bytes, int, int, bytes | None, int, int]:
    return extent.day, extent.epoch, extent.first, extent.last, extent.last_hash, extent.from_ns, extent.to_ns


def _crc(name: bytes, data: bytes) -> int:
    return zlib.crc32(data, zlib.crc32(name))


def _is_sound(name: object, data: object, at_ns: object, crc: object) -> bool:
    """Whether a row is what was written; a damaged one may hold values of any type. Earlier versions left out times."""
    if not isinstance(name, str) or not isinstance(data, bytes) or not isinstance(at_ns, int | None):
        return False
    return crc in {_crc(name.encode(errors="replace"), data), checksum((name, data, at_ns))}
