"""Which of an agent's own entries are gone, and which of those the gateway must be told of.

In: what the day files hold, what they once held, what receipts confirm. Out: ranges of entries. Pure. What is gone and
confirmed is told to nobody, unless the gateway falls back behind it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from agent.stored import Extent
from contract.void_records import VoidPart

DETAIL_CHARACTERS_MAX = 1000

Cause = Literal["damaged", "disk_full", "retired"]


@dataclass(frozen=True, slots=True)
class Gone:
    """A range that no file holds any more, and why."""

    extent: Extent
    cause: Cause


@dataclass(frozen=True, slots=True)
class Range:
    """Entries `first` to `last` of an epoch."""

    epoch: bytes
    first: int
    last: int


def missing(known: Iterable[Extent], there: Iterable[Extent | Range]) -> list[Extent]:
    """What of the extents that were known is not there; in a part of one the times stay those of the whole."""
    present = list(there)
    left = list(known)
    for one in present:
        left = [piece for extent in left for piece in _without(extent, one)]
    return left


def between(extents: Iterable[Extent]) -> list[Extent]:
    """Gaps inside epochs, which show by themselves; their times lie between those of the entries around them."""
    last: dict[bytes, Extent] = {}
    found = []
    for extent in extents:
        before = last.get(extent.epoch)
        if before is not None and extent.first > before.last + 1:
            times = sorted((before.to_ns, extent.from_ns))
            found.append(Extent(before.day, extent.epoch, before.last + 1, extent.first - 1, None, times[0], times[1]))
        last[extent.epoch] = extent
    return found


def untold(gone: Iterable[Gone], confirmed: Mapping[bytes, int], told: Iterable[Range]) -> list[Gone]:
    """What nobody will ever send although the gateway lacks it, and no void says so yet."""
    voided = list(told)
    found = []
    for one in gone:
        here = Range(one.extent.epoch, 0, confirmed.get(one.extent.epoch, -1))
        found += [replace(one, extent=piece) for piece in missing([one.extent], [here, *voided])]
    return found


def span(gone: Iterable[Gone]) -> tuple[int, int]:
    """The time that they can have spoken of."""
    extents = [one.extent for one in gone]
    return min(extent.from_ns for extent in extents), max(extent.to_ns for extent in extents)


def void(gone: Gone) -> VoidPart:
    """A range as the gateway is told of it."""
    extent = gone.extent
    words = {
        "damaged": f"{extent.day}: can no longer be read",
        "disk_full": f"{extent.day}: deleted for want of room",
        "retired": f"{extent.day}: deleted after its receipt, which has fallen back since",
    }[gone.cause]
    return VoidPart(
        epoch=extent.epoch,
        first=extent.first,
        last=extent.last,
        last_hash=extent.last_hash,
        from_ns=extent.from_ns,
        to_ns=extent.to_ns,
        cause=gone.cause,
        detail=words[:DETAIL_CHARACTERS_MAX],
    )


def _without(extent: Extent, there: Extent | Range) -> list[Extent]:
    if there.epoch != extent.epoch or there.first > there.last:
        return [extent]
    if there.last < extent.first or extent.last < there.first:
        return [extent]
    pieces = []
    if extent.first < there.first:
        pieces.append(replace(extent, last=there.first - 1, last_hash=None))
    if there.last < extent.last:
        pieces.append(replace(extent, first=there.last + 1))
    return pieces
