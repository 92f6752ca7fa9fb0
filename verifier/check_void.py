"""What agents declared lost for good must be told: which entries, of what time, why, and when that was said.

In: a trail and the statement's period. Out: one finding per range. Never: a hole taken for nothing having happened in
it: the period it touches may lack a batch that only the lost entries told of. Nor for another time's by its author's
word alone: the entries around it tell when it was sealed.
"""

import contextlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from contract.chain import Lost
from contract.errors import Malformed
from contract.lineage import Odd
from contract.void_records import VoidPart, voids_of
from verifier import lineages
from verifier.check_batches import Period
from verifier.finding import Finding
from verifier.lost_time import Around
from verifier.trail import Item, Trail

MISSING = {"gap", "fork"}  # what an epoch follows was there and is not here
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def declared(item: Item) -> list[VoidPart]:
    """The ranges that a `void` declares lost. Raises Malformed if it does not show them all, or cannot mean them."""
    whole = item.whole()
    if whole is None:
        raise Malformed("withheld: what it declares lost is unknown")
    return voids_of(whole, item.header.epoch, item.header.seq)


def lost_of(items: Iterable[Item]) -> dict[bytes, list[Lost]]:
    """What an author declared lost, by epoch, as far as it is shown."""
    found: dict[bytes, list[Lost]] = {}
    for item in items:
        if item.header.type == "void":
            with contextlib.suppress(Malformed):
                for part in declared(item):
                    found.setdefault(part.epoch, []).append(Lost(part.first, part.last, part.last_hash))
    return found


def voids(trail: Trail, period: Period | None) -> Iterator[Finding]:
    """Every range declared lost. One whose time touches the statement's period fails: nobody can say it is complete."""
    around = {author: Around.of(items) for author, items in lineages.by_author(trail.items).items()}
    for item, part, missing in _ranges(trail):
        yield _finding(item, part, missing, period, around[item.header.author].sealed(item, part))
    yield from _gaps(trail, period)


def spans(trail: Trail) -> dict[str, list[tuple[int, int]]]:
    """The times of what is missing, by author."""
    found: dict[str, list[tuple[int, int]]] = {}
    for item, part, missing in _ranges(trail):
        if missing:
            found.setdefault(item.header.author, []).append((part.from_ns, part.to_ns))
    for item, odd, from_ns, to_ns in _answered(trail):
        if odd.name not in MISSING:
            continue
        found.setdefault(item.header.author, []).append((from_ns, to_ns))
    return found


def _ranges(trail: Trail) -> Iterator[tuple[Item, VoidPart, int]]:
    """Every range declared lost, and how many entries of it are not here."""
    held = {(item.header.author, item.header.epoch, item.header.seq) for item in trail.items}
    for item in trail.of("void"):
        with contextlib.suppress(Malformed):  # the chain's own check says so
            for part in declared(item):
                here = sum((item.header.author, part.epoch, seq) in held for seq in _places(part, held))
                yield item, part, part.last - part.first + 1 - here


def _gaps(trail: Trail, period: Period | None) -> Iterator[Finding]:
    """What is missing before an epoch though nobody declared it lost, where somebody answers for going on without.

    Where an author went back, or was copied, nothing tells whether anything is: what it had sealed by then and not yet
    sent went with the disk it left. That is told, and fails nothing.
    """
    for item, odd, from_ns, to_ns in _answered(trail):
        text = f"{item.index} {item.where}: {odd.text}: entries of {_time(from_ns)} to {_time(to_ns)} may be missing"
        if odd.name in MISSING:
            yield _judged(text, from_ns, to_ns, period)
        else:
            yield Finding("void", ok=True, text=f"{text}, if any was sealed and not sent")


def _answered(trail: Trail) -> Iterator[tuple[Item, Odd, int, int]]:
    """Every odd epoch's first entry that somebody answers for, and the time of which entries may be missing.

    That begins with the last that its author told of before, but for what a clock that was ahead tells.
    """
    said, _ = lineages.words(trail)
    for author, items in lineages.by_author(trail.items).items():
        for one in lineages.odd(items, lost_of(items)):
            if (author, one.begun.epoch) not in said:
                continue  # a fault of the chain's
            item = next(item for item in items if item.index == one.begun.index)
            told = [i.header.to_ns for i in items if i.index < item.index]
            until_ns = item.header.from_ns
            since_ns = max((at for at in told if at <= until_ns), default=min(told, default=-(2**63)))
            yield item, one, min(since_ns, until_ns), until_ns


def _places(part: VoidPart, held: set[tuple[str, bytes, int]]) -> Iterator[int]:
    """The numbers of a range that can be in the ledger at all: a range may claim any length."""
    if part.last - part.first < len(held):
        yield from range(part.first, part.last + 1)
    else:
        yield from (seq for _, epoch, seq in held if epoch == part.epoch and part.first <= seq <= part.last)


def _finding(
    item: Item, part: VoidPart, missing: int, period: Period | None, sealed: tuple[int, int] | None
) -> Finding:
    name = f"{item.header.author} {part.epoch.hex()[:8]}/{part.first} to {part.last}"
    if not missing:
        return Finding("void", ok=True, text=f"{name}: declared lost by entry {item.index}, but all of it is here")
    detail = f", {part.detail}" if part.detail else ""
    text = (
        f"{name}: {missing} entries lost ({part.cause}{detail}) of {_time(part.from_ns)} to {_time(part.to_ns)}, "
        f"declared {_time(item.header.sealed_ns)} by entry {item.index}"
    )
    if sealed is not None and period is not None and not period.touches(part.from_ns, part.to_ns):
        told = f"{text}; by the entries around them they were sealed {_time(sealed[0])} to {_time(sealed[1])}"
        found = _judged(told, *sealed, period)
        if not found.ok:
            return found
    return _judged(text, part.from_ns, part.to_ns, period)


def _judged(text: str, from_ns: int, to_ns: int, period: Period | None) -> Finding:
    if period is None or not period.touches(from_ns, to_ns):
        return Finding("void", ok=True, text=text)
    return Finding("void", ok=False, text=f"{text}: the statement's period is not complete")


def _time(at_ns: int) -> str:
    """An instant as a person reads it, to the second; one beyond the calendar as it stands."""
    try:
        return f"{EPOCH + timedelta(seconds=at_ns // 10**9):%Y-%m-%dT%H:%M:%SZ}"
    except OverflowError:
        return f"{at_ns} ns"
