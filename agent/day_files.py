"""The journal's day files: sealed entries, one SQLite file a day (`2026-11-20.db`), each read by itself.

In: entries to append, ranges to read. Out: sound entries, and per file which ranges it holds. A damaged row is left
out. Files are appended to by one thread; any thread may read.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from agent import files, stored
from agent.stored import ENTRIES, INSERT, SELECT, Extent, Stored

DAYS = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9].db"
SURVEY = "SELECT id, epoch, seq, hash, type, from_ns, to_ns, at_ns, covers FROM entry ORDER BY id"


class DayFiles:
    """One per journal. `extents` are in the order of sealing; replaced, never changed, for other threads read it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._day: tuple[str, sqlite3.Connection] | None = None
        self.extents: list[Extent] = []
        self.set_aside: list[str] = []
        self.found: list[str] = []  # what else was wrong with the files
        self.unread: set[tuple[bytes, int]] = set()  # entries whose rows turned out to be damaged after the survey
        self.is_corrupt = False  # a file's pages do not fit together any more
        self.covered = self.latest_ns = 0
        self.sealed_ns: set[int] = set()  # when entries were sealed, as the survey found them

    def close(self) -> None:
        """Let go of the file that is written to."""
        if self._day is not None:
            self._day[1].close()
            self._day = None

    def survey(self, confirmed: Mapping[bytes, int]) -> None:
        """Look into every file; of entries that no receipt confirms every byte is checked."""
        self.close()
        files.finish(self._folder)
        self.unread, self.sealed_ns, extents = set(), set(), list[Extent]()
        endings = ("", "-wal", ".rescued")
        for name in sorted({p.name.removesuffix(end) for end in endings for p in self._folder.glob(DAYS + end)}):
            self.found += files.prepare(self.path(name))
            if any(self.path(name + end).exists() for end in ("", ".rescued")):
                self._opened(name).close()  # sets a damaged file aside before anybody relies on it
                extents = self._surveyed(extents, name, confirmed)
        self.extents = extents

    def days(self) -> list[str]:
        """The names of the files that hold entries, in order."""
        return list(dict.fromkeys(extent.day for extent in self.extents))

    def path(self, day: str) -> Path:
        """Where a file lies."""
        return self._folder / day

    def of(self, at_ns: int) -> str:
        """The file an entry sealed now belongs into: today's, but never one before the last."""
        today = f"{datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).date().isoformat()}.db"
        return max([today, *(extent.day for extent in self.extents[-1:])])

    def append(self, entries: Sequence[Stored], covers: int, at_ns: int) -> Extent:
        """Commit entries; the extent that the last of them is in."""
        day = self.of(at_ns)
        if self._day is None or self._day[0] != day:
            self.close()
            self._day = day, self._opened(day)
        rows = [stored.row(entry, covers, at_ns) for entry in entries]
        with self._day[1]:
            self._day[1].executemany(INSERT, rows)
        self.covered, self.latest_ns = max(self.covered, covers), max(self.latest_ns, at_ns)
        self.extents = stored.extended(self.extents, day, rows)
        return self.extents[-1]

    def rows(self, day: str, words: str, values: Sequence[object]) -> Iterator[Stored]:
        """Sound entries of one file; none of one that was deleted meanwhile."""
        path = self.path(day)
        try:
            with files.reading(path) as file:
                for row in file.execute(f"{SELECT} {words}", values):
                    if stored.is_sound(row):
                        yield stored.stored(row)
                    else:
                        self.unread.add((row[0], row[1]))
        except sqlite3.OperationalError:
            if path.exists():
                raise
        except sqlite3.DatabaseError:
            self.is_corrupt = True
            raise

    def delete(self, day: str) -> None:
        """Delete a file for good."""
        self.extents = [extent for extent in self.extents if extent.day != day]
        if self.path(day).exists():
            files.delete(self.path(day))

    def _surveyed(self, extents: list[Extent], name: str, confirmed: Mapping[bytes, int]) -> list[Extent]:
        there: dict[int, stored.Row] = {}
        damaged = 0
        with files.reading(self.path(name)) as file:
            for row_id, *row in file.execute(SURVEY).fetchall():
                if all(type(value) is form for value, form in zip(row, stored.FORMS, strict=False)):
                    undelivered = row[1] > confirmed.get(row[0], -1)
                    if not undelivered or _is_sound(file, row_id):
                        there[row_id] = row
                        continue
                damaged += 1
            self.latest_ns = max(self.latest_ns, _most(file, there, 6))
            self.covered = max(self.covered, _most(file, there, 7))
        if damaged:
            self.found.append(f"{name}: {damaged} damaged rows")
        self.sealed_ns |= {row[6] for row in there.values()}
        return stored.extended(extents, name, there.values())

    def _opened(self, name: str) -> sqlite3.Connection:
        connection, aside = files.opened(self.path(name), ENTRIES)
        if aside is not None:
            self.set_aside.append(aside)
        return connection


def _is_sound(file: sqlite3.Connection, row_id: int) -> bool:
    return stored.is_sound(file.execute(f"{SELECT} WHERE id = ?", (row_id,)).fetchone())


def _most(file: sqlite3.Connection, there: Mapping[int, stored.Row], field: int) -> int:
    """The most that a field of a sound row is."""
    ids = sorted(there, key=lambda row_id: int(there[row_id][field]), reverse=True)
    return next((int(there[row_id][field]) for row_id in ids if _is_sound(file, row_id)), 0)
