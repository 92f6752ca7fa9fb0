"""What a journal holds, for whoever looks after it: `metertrail agent journal CONFIG`.

In: the folder of an agent, which may be running. Out: lines: each day's entries and bytes, what is not delivered yet,
what is free, what was set aside. Never: a lock, a write, a repair.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from agent.day_files import DAYS
from agent.files import free_bytes
from agent.room import Room
from agent.stored import checksum


@dataclass(frozen=True, slots=True)
class Held:
    """What a day's file holds: all entries, those no receipt confirms, and when the first of these was sealed."""

    entries: int
    waiting: int
    oldest_ns: int | None


def lines(folder: Path, room: Room, retention_days: int) -> list[str]:
    """The report. Raises ValueError, one line, if there is no journal."""
    days = sorted(path.name for path in folder.glob(DAYS))
    if not days:
        raise ValueError(f"{folder}: holds no journal: has this agent ever run?")
    confirmed = _confirmed(folder / "open.db")
    held = {day: _held(folder / day, confirmed or {}) for day in days}
    told = [_line(day, one, room.sizes([day])[day]) for day, one in held.items()]
    waiting = sum(one.waiting for one in held.values() if one)
    oldest = min((one.oldest_ns for one in held.values() if one and one.oldest_ns is not None), default=None)
    quota = "none: the disk is the limit" if room.bytes_max is None else _bytes(room.bytes_max)
    kept = f"days that were delivered go {retention_days} days after the next began"
    told += [
        f"not delivered: {waiting} entries" + (f", the oldest sealed {_utc(oldest)}" if oldest is not None else ""),
        f"kept: {_bytes(room.used_bytes())}; quota {quota}; {kept}",
        f"free: {_bytes(free_bytes(folder))}; reserve {'kept' if room.has_reserve() else 'given up, or not yet made'}",
    ]
    told += [] if confirmed is not None else ["open.db cannot be read: what is delivered is not known"]
    told += [f"set aside as damaged: {path.name}, {_bytes(path.lstat().st_size)}" for path in room.set_aside()]
    return told


def _line(day: str, held: Held | None, size: int) -> str:
    if held is None:
        return f"{day}  {_bytes(size):>9}  cannot be read: the agent sees to it when it starts"
    state = "delivered" if not held.waiting else f"{held.waiting} not delivered"
    return f"{day}  {_bytes(size):>9}  {held.entries:>6} entries  {state}"


def _held(path: Path, confirmed: Mapping[bytes, int]) -> Held | None:
    count, waiting, oldest_ns = 0, 0, None
    try:
        with _reading(path) as file:
            for epoch, seq, at_ns in file.execute("SELECT epoch, seq, at_ns FROM entry ORDER BY id"):
                count += 1
                if seq > confirmed.get(epoch, -1):
                    waiting += 1
                    oldest_ns = at_ns if oldest_ns is None else oldest_ns
    except (sqlite3.Error, TypeError):
        return None
    return Held(count, waiting, oldest_ns)


def _confirmed(path: Path) -> dict[bytes, int] | None:
    try:
        with _reading(path) as file:
            rows = file.execute("SELECT epoch, seq, crc FROM confirmed").fetchall()
    except sqlite3.Error:
        return None
    return {epoch: seq for epoch, seq, crc in rows if checksum((epoch, seq)) == crc}


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    file = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        yield file
    finally:
        file.close()


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def _utc(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
