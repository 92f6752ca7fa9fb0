"""Which day files of the journal may go, and in what order. Pure.

In: what each day's file holds, the time, limits. Out: days. Whole files only, the oldest first, and never the newest,
which is still written to. A day counts as delivered when a receipt confirms every entry in it; it is needed while a
batch without a record rests on readings in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from agent.stored import Extent

DAY_NS = 86_400_000_000_000


@dataclass(frozen=True, slots=True)
class Day:
    """One file: its name, its bytes on disk, the latest time that its entries speak of."""

    name: str
    size: int
    to_ns: int
    is_delivered: bool

    @property
    def begins_ns(self) -> int:
        """The beginning of the day it is named for, UTC."""
        begins = datetime.fromisoformat(self.name.removesuffix(".db")).replace(tzinfo=UTC)
        return (begins - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1) * 1000


def days(extents: Iterable[Extent], confirmed: Mapping[bytes, int], sizes: Mapping[str, int]) -> list[Day]:
    """The days in order of their names."""
    found: dict[str, Day] = {}
    for extent in extents:
        before = found.get(extent.day)
        is_delivered = extent.last <= confirmed.get(extent.epoch, -1)
        found[extent.day] = Day(
            extent.day,
            sizes.get(extent.day, 0),
            max(extent.to_ns, before.to_ns if before else extent.to_ns),
            is_delivered and (before is None or before.is_delivered),
        )
    return [found[name] for name in sorted(found)]


def expired(held: Sequence[Day], needed_ns: int, retention_ns: int, now_ns: int) -> list[Day]:
    """Days that have been kept long enough: delivered, not needed, and followed by another for the retention.

    Nothing was delivered before it was sealed, and a file is sealed to until the next begins. Its own date does not
    tell: after a boot in 1970 it is that of a false time.
    """
    return [
        day
        for day, after in pairwise(held)
        if day.is_delivered and day.to_ns < needed_ns and now_ns - after.begins_ns >= retention_ns
    ]


def delivered(held: Sequence[Day], needed_ns: int) -> list[Day]:
    """Delivered days in the order in which they make room: those that a batch needs only after all others."""
    return sorted((day for day in held[:-1] if day.is_delivered), key=lambda day: (day.to_ns >= needed_ns, day.name))


def undelivered(held: Sequence[Day], needed_ns: int) -> list[Day]:
    """The same of days that nobody else has yet: they go when nothing that was delivered is left."""
    return sorted(
        (day for day in held[:-1] if not day.is_delivered), key=lambda day: (day.to_ns >= needed_ns, day.name)
    )
