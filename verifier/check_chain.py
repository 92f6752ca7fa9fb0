"""Every author's chain must be whole: epochs without a hole, each after the one before it.

In: a trail. Out: one finding per author, or one per break: gap, broken link, rollback, clone, unknown parent.
"""

from collections.abc import Collection, Iterator, Mapping

from contract import records
from contract.chain import Head, break_before
from contract.errors import Malformed
from verifier.finding import Finding, lacking
from verifier.trail import Item, Trail


def chains(trail: Trail) -> Iterator[Finding]:
    """Every author's epochs, in the order of the ledger."""
    authors: dict[str, list[Item]] = {}
    for item in trail.items:
        authors.setdefault(item.header.author, []).append(item)
    for author, items in sorted(authors.items()):
        faults = list(_links(items)) + list(_parents(items))
        yield from (Finding("chain", ok=False, text=fault) for fault in faults)
        hidden = [item for item in items if _hides_parent(item)]
        for item in hidden:
            what = "the manifest's first part is withheld: what this epoch follows is unknown"
            yield lacking("chain", f"{item.index} {item.where}: {what}")
        if not faults and not hidden:
            epochs = len({item.header.epoch for item in items})
            text = f"{author}: {len(items)} entries in {epochs} epoch{'s' * (epochs > 1)}, no gap"
            yield Finding("chain", ok=True, text=text)


def _links(items: list[Item]) -> Iterator[str]:
    """Within an epoch: seq by seq, each naming the hash before it."""
    heads: dict[bytes, Head] = {}
    for item in items:
        epoch = item.header.epoch
        if fault := break_before(heads.get(epoch), item.header):
            yield f"{item.index} {item.where}: {fault}"
        heads[epoch] = Head(epoch, item.header.seq, item.hash)


def _parents(items: list[Item]) -> Iterator[str]:
    """Between epochs: each follows the last entry of another, and only one may follow it.

    Judged by what the ledger holds in the end: entries of an older epoch may have come after the newer one began.
    """
    hashes = {(item.header.epoch, item.header.seq): item.hash for item in items}
    last = {item.header.epoch: item.header.seq for item in sorted(items, key=lambda item: item.header.seq)}
    children: set[Head | None] = set()
    for item in items:
        if item.header.seq != 0 or _hides_parent(item):
            continue
        try:
            parent = _parent(item)
        except Malformed as error:
            yield f"{item.index} {item.where}: {error}"
            continue
        if fault := _parent_fault(parent, hashes, last, children):
            yield f"{item.index} {item.where}: {fault}"
        children.add(parent)


def _hides_parent(item: Item) -> bool:
    return item.header.seq == 0 and (item.parts is None or item.parts[:1] == (None,))


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
) -> str | None:
    if parent is None:
        return "rollback: follows nothing, though its author has entries" if children else None
    name = f"{parent.epoch.hex()[:8]}/{parent.seq}"
    if parent in children:
        return f"clone: another epoch already follows {name}"
    held = hashes.get((parent.epoch, parent.seq))
    if held is None:
        return f"gap: follows {name}, which is not in the ledger"
    if held != parent.hash:
        return f"follows an entry {name} with another hash than the ledger's"
    if last[parent.epoch] > parent.seq:
        return f"rollback: follows {name}, though that epoch goes on to seq {last[parent.epoch]}"
    return None
