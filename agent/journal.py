"""The journal: what the agent has read and sealed, on disk before anyone hears of it.

Sealed entries lie in one SQLite file a day, readings not yet sealed and the agent's small state in `open.db`. Every
commit reaches the disk. An entry's row says up to which unsealed row it covers, so a crash between the two files
repeats nothing: recovery drops rows that are already sealed. Whatever of this is damaged, the rest is kept: `found` and
`set_aside` say what was, `untold` which undelivered entries are gone.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from agent import files, losses
from agent.day_files import DayFiles
from agent.losses import Cause, Gone, Range
from agent.open_file import OPEN, Left, OpenFile, Unsealed
from agent.stored import Extent, Stored
from contract import body, entry, records
from contract.chain import Head
from contract.errors import Inadmissible
from contract.void_records import VoidPart

__all__ = ["Extent", "Journal", "Left", "Stored", "Unsealed"]

STALE = ("lines",)  # state that must not be taken up again when it is older than what is sealed


class Journal:
    """One per folder. All calls come from one thread, except `after`, `is_own`, `waiting`, `delivered`
    and `confirm`.
    """

    def __init__(self, folder: Path) -> None:
        """Open or begin a journal. Raises files.InUse, OSError or sqlite3.OperationalError."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._lock = folder, files.lock(folder)
        self.set_aside: list[str] = []  # damaged files, by their new names; the caller tells of them
        self.found: list[str] = []  # what else was damaged
        self.bereft_ns: int | None = None  # until when readings are gone that the gateway has: its batches would differ
        self._gone: list[Gone] = []
        self._told: list[Range] = []
        self._survey()

    def reopen(self) -> None:
        """Take the path of a start once more, after a failed write or where an entry turned out to be damaged."""
        before = self._open, self._days
        self._survey()
        for one in before:  # until here they are what there is: a reopening may fail, too
            one.close()

    def close(self) -> None:
        """Let go of the files."""
        self._open.close()
        self._days.close()
        os.close(self._lock)

    def latest_ns(self) -> int:
        """The latest time at which anything was written: whatever comes must be later, or it would be out of order."""
        return max(self._days.latest_ns, self._open.latest_ns())

    def record(self, rows: Sequence[tuple[str, bytes]], state: Mapping[str, bytes], at_ns: int) -> None:
        """Commit unsealed rows and state together. After a crash either all of it is there or none."""
        self._open.record(rows, state, at_ns)

    def left(self) -> Left:
        """What `record` made durable and no entry covers yet."""
        left = self._open.left(self._days.covered)
        if not self._is_stale:
            return left
        return replace(left, state={name: data for name, data in left.state.items() if name not in STALE})

    def last_row(self) -> int:
        """The newest unsealed row's id, or 0: what the next entries will cover."""
        return self._open.last_row()

    def begins_day(self, at_ns: int) -> bool:
        """Whether an entry sealed now is the first of its file."""
        return not any(extent.day == self._days.of(at_ns) for extent in self._days.extents[-1:])

    def seal(self, entries: Sequence[Stored], covers: int, at_ns: int) -> None:
        """Commit sealed entries that cover the unsealed rows up to `covers`, then drop those rows."""
        extent = self._days.append(entries, covers, at_ns)
        # a crash here leaves rows that the entries above already cover: `left` passes them over
        self._told += [told for one in entries for told in _told(one)]
        self._open.sealed(extent, covers, at_ns)

    def head(self) -> Head | None:
        """The last entry ever sealed, though its file may be gone."""
        last, kept = self._days.extents[-1:], self._open.head()
        if kept is not None and not (last and last[0].epoch == kept[0].epoch and last[0].last >= kept[0].seq):
            is_newer = not last or last[0].epoch == kept[0].epoch or kept[1] > self._days.latest_ns
            if is_newer:
                return kept[0]
        return Head(last[0].epoch, last[0].last, last[0].last_hash) if last and last[0].last_hash else None

    def since(self, from_ns: int, kind: str) -> Iterator[Stored]:
        """Sound entries of a type whose time span ends at or after `from_ns`, in order."""
        for day in self._days.days():
            yield from self._days.rows(day, "WHERE type = ? AND to_ns >= ? ORDER BY id", (kind, from_ns))

    def backwards(self, kind: str) -> Iterator[Stored]:
        """Sound entries of a type, the newest first."""
        for day in reversed(self._days.days()):
            yield from self._days.rows(day, "WHERE type = ? ORDER BY id DESC", (kind,))

    def after(self, reached: Mapping[bytes, int], limit: int) -> list[Stored]:
        """The first `limit` entries beyond what each epoch has reached, in the order they were sealed.

        Nothing beyond a hole: an entry can only be admitted after the one before it, or after a void over the hole.
        """
        found: list[Stored] = []
        due: dict[bytes, int] = {}
        for extent in self._days.extents:
            first = due.setdefault(extent.epoch, reached.get(extent.epoch, -1) + 1)
            if not extent.first <= first <= extent.last or len(found) >= limit:
                continue
            words = "WHERE epoch = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?"
            room = limit - len(found)
            for one in self._days.rows(extent.day, words, (extent.epoch, first, extent.last, room)):
                if one.seq != due[extent.epoch]:
                    break
                found.append(one)
                due[extent.epoch] += 1
        return found

    def is_own(self, there: Head) -> bool:
        """Whether an entry that is said to stand in a place may be ours, as far as what is held tells."""
        extents = self._days.extents
        mine = [one for one in extents if one.epoch == there.epoch]
        if mine and extents[-1].epoch == there.epoch and there.seq > mine[-1].last:
            return False  # of the epoch being written nobody has more than we
        words = "WHERE epoch = ? AND seq = ?"
        held = [e.day for e in mine if e.first <= there.seq <= e.last]
        rows = (one for day in held for one in self._days.rows(day, words, (there.epoch, there.seq)))
        return all(one.sealed.hash == there.hash for one in rows)

    def waiting(self, settled: Mapping[bytes, int]) -> int:
        """How many entries there are beyond what is settled of each epoch."""
        return sum(max(0, e.last + 1 - max(e.first, settled.get(e.epoch, -1) + 1)) for e in self._days.extents)

    def delivered(self) -> dict[bytes, int]:
        """How far the gateway has confirmed each epoch."""
        return dict(self._open.confirmed)

    def confirm(self, reached: Mapping[bytes, int]) -> None:
        """Remember per epoch how far a receipt says it is durable; -1: nothing of it. Raises sqlite3.Error."""
        self._open.confirm(reached)

    def is_damaged(self) -> bool:
        """Whether an entry turned out to be damaged that is still to be delivered: `reopen` sees to it."""
        unread = list(self._days.unread)
        return self._days.is_corrupt or any(seq > self._open.confirmed.get(epoch, -1) for epoch, seq in unread)

    def untold(self) -> list[Gone]:
        """What is gone, and lacking at the gateway, and not in a void yet; nothing while receipts are not known."""
        return self.lacking(self._gone) if self._open.knows_receipts else []

    def lacking(self, gone: Iterable[Gone]) -> list[Gone]:
        """Of what is about to go, the part that no receipt confirms and no void tells of."""
        return losses.untold(gone, self._open.confirmed, self._told)

    def extents(self) -> list[Extent]:
        """What the day files hold, in the order of sealing."""
        return self._days.extents

    def path(self, day: str) -> Path:
        """Where a day's file lies."""
        return self._days.path(day)

    def delete(self, day: str, cause: Cause) -> None:
        """Delete a day's file: one whose entries are confirmed, or in a void that is sealed."""
        held = [extent for extent in self._days.extents if extent.day == day]
        self._days.delete(day)
        self._gone += [Gone(extent, cause) for extent in held]
        self._told = [told for one in self.since(0, "void") for told in _told(one)]
        self._open.survey(self._days.extents, self._gone)

    def _survey(self) -> None:
        """Open every file, and know what is there and what is not."""
        path = self.folder / "open.db"
        found = files.prepare(path)
        connection, aside = files.opened(path, OPEN)
        opened, days = OpenFile(path, connection), DayFiles(self.folder)
        days.survey(opened.confirmed)
        self._open, self._days = opened, days
        head = self._open.head()
        # one seal can be ahead of it, by a crash between the two commits
        self._is_stale = head is not None and len({ns for ns in self._days.sealed_ns if ns > head[1]}) > 1
        if self._is_stale:
            found.append(f"{path.name} is older than what is sealed: batches are looked for anew")
        if found or aside is not None or self._open.damaged:
            self._open.forget_receipts()
        self.set_aside += [*([] if aside is None else [aside]), *self._days.set_aside]
        self.found += [*found, *self._days.found]
        self._open.never_reuse_row_ids(self._days.covered)
        self._told = [told for one in self.since(0, "void") for told in _told(one)]
        self._gone = self._missing()
        for one in self.lacking(self._gone):
            count, what = (
                one.extent.last - one.extent.first + 1,
                "unreadable" if self.path(one.extent.day).exists() else "gone",
            )
            self.found.append(f"{one.extent.day}: {what}: {count} entries that were not delivered yet")
        self._open.survey(self._days.extents, self._gone)
        self._finish_promised()

    def _missing(self) -> list[Gone]:
        """What is gone, known before or new."""
        gone, there = self._open.gone(), self._days.extents
        known = [one.extent for one in gone]
        held = losses.missing(self._open.held(), [*there, *known])
        seen = losses.missing(losses.between(there), [*known, *held])
        lost = [replace(one, last_hash=one.last_hash or self._named_by_next(one)) for one in (*held, *seen)]
        had = [one.to_ns for one in lost if one.first <= self._open.confirmed.get(one.epoch, -1)]
        self.bereft_ns = max(had, default=None)
        return [*gone, *(Gone(one, "damaged") for one in lost)]

    def _named_by_next(self, lost: Extent) -> bytes | None:
        """The hash of the last lost entry, which the one after it states."""
        for extent in self._days.extents:
            if extent.epoch == lost.epoch and extent.first == lost.last + 1:
                words = "WHERE epoch = ? AND seq = ?"
                for one in self._days.rows(extent.day, words, (extent.epoch, extent.first)):
                    with contextlib.suppress(Inadmissible):
                        return entry.read(one.sealed.signed).header.prev
        return None

    def _finish_promised(self) -> None:
        """Delete what a void already says was deleted: a crash came before it."""
        promised = list(self._promised())
        confirmed = [Range(epoch, 0, seq) for epoch, seq in self._open.confirmed.items()]
        for day in self._days.days()[:-1]:
            mine = [extent for extent in self._days.extents if extent.day == day]
            if losses.missing(mine, promised) != mine and not losses.missing(mine, [*promised, *confirmed]):
                self.delete(day, "disk_full")

    def _promised(self) -> Iterator[Range]:
        for one in self.since(0, "void"):
            for part in _voids(one):
                if part.cause == "disk_full":
                    yield Range(part.epoch, part.first, part.last)


def _told(stored: Stored) -> list[Range]:
    return [Range(part.epoch, part.first, part.last) for part in _voids(stored)]


def _voids(stored: Stored) -> Iterable[VoidPart]:
    if stored.type == "void":
        for part in body.unpack(stored.sealed.body).parts:
            if part is not None:
                yield records.read(part, VoidPart)
