"""Every author's chain must be whole: epochs without a hole that is not declared, each after the one before it.

In: a trail. Out: one finding per author, or one per break: gap, broken link, rollback, clone, unknown parent.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from contract import records
from contract.chain import Head, Lost, beyond_lost, break_before, break_within
from contract.entry import NO_ENTRY
from contract.errors import Malformed
from verifier.check_void import declared
from verifier.finding import Finding, lacking
from verifier.trail import Item, Trail


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a chain; `is_hole`: entries are missing, and a `void` might say why."""

    text: str
    is_hole: bool = False


def chains(trail: Trail) -> Iterator[Finding]:
    """Every author's epochs, in the order of the ledger."""
    authors: dict[str, list[Item]] = {}
    for item in trail.items:
        authors.setdefault(item.header.author, []).append(item)
    for author, items in sorted(authors.items()):
        faults = list(_links(items)) + list(_parents(items))
        hidden = {item.index: item for item in items if _hides_parent(item) or _hides_void(item)}
        may_be_lost = any(_hides_void(item) for item in items)
        for fault in faults:
            given = fault.is_hole and may_be_lost
            yield lacking("chain", fault.text) if given else Finding("chain", ok=False, text=fault.text)
        for item in hidden.values():
            what = "withheld: what it declares lost is unknown"
            if _hides_parent(item):
                what = "the manifest's first part is withheld: what this epoch follows is unknown"
            yield lacking("chain", f"{item.index} {item.where}: {what}")
        if not faults and not hidden:
            epochs = len({item.header.epoch for item in items})
            voids = [part for item in items if item.header.type == "void" for part in declared(item)]
            lost = f"{len(voids)} range{'s' * (len(voids) > 1)} declared lost" if voids else "no gap"
            text = f"{author}: {len(items)} entries in {epochs} epoch{'s' * (epochs > 1)}, {lost}"
            yield Finding("chain", ok=True, text=text)


def _links(items: list[Item]) -> Iterator[Fault]:
    """Within an epoch: seq by seq, each naming the hash before it, but for what was declared lost before."""
    heads: dict[bytes, Head] = {}
    lost: dict[bytes, list[Lost]] = {}
    hashes: dict[tuple[bytes, int], bytes] = {}
    for item in items:
        epoch, seq = item.header.epoch, item.header.seq
        head = beyond_lost(heads.get(epoch), epoch, lost.get(epoch, ()))
        before = NO_ENTRY if seq == 0 else hashes.get((epoch, seq - 1))
        ranges = [one for one in lost.get(epoch, ()) if one.first <= seq <= one.last]
        turned_up = ranges and head is not None and seq <= head.seq and (epoch, seq) not in hashes
        if turned_up and before is not None:
            is_hole, fault = False, break_within(item.header, item.hash, before, ranges)
        else:
            is_hole, fault = seq > (0 if head is None else head.seq + 1), break_before(head, item.header)
            head = Head(epoch, seq, item.hash)
        if fault:
            yield Fault(f"{item.index} {item.where}: {fault}", is_hole)
        if head is not None:
            heads[epoch] = head
        hashes[epoch, seq] = item.hash
        if item.header.type == "void":
            yield from _declare(item, lost)


def _declare(item: Item, lost: dict[bytes, list[Lost]]) -> Iterator[Fault]:
    """Take note of what a `void` declares; one that is withheld says nothing here."""
    if _hides_void(item):
        return
    try:
        for part in declared(item):
            lost.setdefault(part.epoch, []).append(Lost(part.first, part.last, part.last_hash))
    except Malformed as error:
        yield Fault(f"{item.index} {item.where}: {error}")


def _parents(items: list[Item]) -> Iterator[Fault]:
    """Between epochs: each follows the last entry of another, and only one may follow it.

    Judged by what the ledger holds in the end: entries of an older epoch may have come after the newer one began.
    """
    hashes = {(item.header.epoch, item.header.seq): item.hash for item in items}
    last = {item.header.epoch: item.header.seq for item in sorted(items, key=lambda item: item.header.seq)}
    lost: dict[bytes, list[Lost]] = {}
    for item in items:
        if item.header.type == "void":
            list(_declare(item, lost))  # what is wrong with it is told where links are checked
    children: set[Head | None] = set()
    for item in items:
        if item.header.seq != 0 or _hides_parent(item):
            continue
        try:
            parent = _parent(item)
        except Malformed as error:
            yield Fault(f"{item.index} {item.where}: {error}")
            continue
        if fault := _parent_fault(parent, hashes, last, children, lost):
            is_hole = parent is not None and (parent.epoch, parent.seq) not in hashes
            yield Fault(f"{item.index} {item.where}: {fault}", is_hole)
        children.add(parent)


def _hides_parent(item: Item) -> bool:
    return item.header.seq == 0 and (item.parts is None or item.parts[:1] == (None,))


def _hides_void(item: Item) -> bool:
    return item.header.type == "void" and item.whole() is None


def _parent(item: Item) -> Head | None:
    shown = item.shown()
    if not shown:
        raise Malformed("the manifest has no parts: what this epoch follows is not said")
    parent = records.read(shown[0], records.Author).parent
    return None if parent is None else Head(parent.epoch, parent.seq, parent.hash)


def _parent_fault(
    parent: Head | None,
    hashes: Mapping[tuple[bytes, int], bytes],
    last: Mapping[bytes, int],
    children: Collection[Head | None],
    lost: Mapping[bytes, Sequence[Lost]],
) -> str | None:
    if parent is None:
        return "rollback: follows nothing, though its author has entries" if children else None
    name = f"{parent.epoch.hex()[:8]}/{parent.seq}"
    if parent in children:
        return f"clone: another epoch already follows {name}"
    held = hashes.get((parent.epoch, parent.seq))
    if held is None and _is_lost(parent, lost.get(parent.epoch, ())):
        return None
    if held is None:
        return f"gap: follows {name}, which is not in the ledger"
    if held != parent.hash:
        return f"follows an entry {name} with another hash than the ledger's"
    if last[parent.epoch] > parent.seq:
        return f"rollback: follows {name}, though that epoch goes on to seq {last[parent.epoch]}"
    return None


def _is_lost(parent: Head, lost: Sequence[Lost]) -> bool:
    """Whether an entry was declared lost, under the hash it is known by if that was stated."""
    ranges = [one for one in lost if one.first <= parent.seq <= one.last]
    return bool(ranges) and all(one.hash in {None, parent.hash} for one in ranges if one.last == parent.seq)
