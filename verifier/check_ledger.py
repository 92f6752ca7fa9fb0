"""The ledger must be the one its checkpoint signs, and one that only ever grew.

In: a trail. Out: findings on the archive's form, the checkpoint, the Merkle root, identities used twice, and the older
tree heads that entries and receipts carry.
"""

from collections.abc import Iterator

from contract import checkpoint, entry, merkle
from contract.errors import Inadmissible
from verifier.check_receipts import readable
from verifier.check_recover import of_another, recoveries
from verifier.finding import Finding
from verifier.trail import Trail


def form(trail: Trail) -> Iterator[Finding]:
    """The file is the one its members determine."""
    if trail.archive.canonical:
        yield Finding("form", ok=True, text="the archive is in its one form")
    else:
        yield Finding("form", ok=False, text="the archive is not the file its members determine: bytes were changed")


def ledger(trail: Trail) -> Iterator[Finding]:
    """The checkpoint is signed, and its size and root are those of the entries in the archive."""
    archive = trail.archive
    try:
        signed = checkpoint.verify(archive.note, archive.ledger_key)
    except Inadmissible as error:
        yield Finding("checkpoint", ok=False, text=str(error))
        return
    yield Finding("checkpoint", ok=True, text=f"{signed.origin}: signed by the ledger's key at size {signed.size}")
    size = len(archive.entries)
    misplaced = next((i for i, kept in enumerate(archive.entries) if kept.index != i), None)
    if misplaced is not None:
        held = archive.entries[misplaced].index
        yield Finding(
            "ledger", ok=False, text=f"index {held} where {misplaced} is due: entries left out or out of order"
        )
    if size != signed.size:
        yield Finding("ledger", ok=False, text=f"{size} entries; the checkpoint signs {signed.size}")
    elif merkle.root([merkle.leaf_hash(kept.signed) for kept in archive.entries]) != signed.root:
        yield Finding(
            "ledger", ok=False, text="the entries do not lead to the checkpoint's root: changed or out of order"
        )
    elif misplaced is None:
        yield Finding("ledger", ok=True, text=f"{size} entries lead to the checkpoint's root")


def identities(trail: Trail) -> Iterator[Finding]:
    """No author, epoch and seq stands twice."""
    seen: dict[tuple[str, bytes, int], int] = {}
    twice = False
    for item in trail.items:
        identity = (item.header.author, item.header.epoch, item.header.seq)
        if identity in seen:
            twice = True
            yield Finding("identity", ok=False, text=f"{item.index} {item.where}: stands at index {seen[identity]} too")
        seen.setdefault(identity, item.index)
    if not twice:
        yield Finding("identity", ok=True, text=f"{len(seen)} entries, none twice")


def history(trail: Trail) -> Iterator[Finding]:
    """Every older tree head an entry or a receipt names is a state this very ledger went through."""
    frontier = merkle.Frontier()
    roots = [frontier.root()]
    for kept in trail.archive.entries:
        frontier.append(merkle.leaf_hash(kept.signed))
        roots.append(frontier.root())
    heads = [(f"{i.index} {i.where}", i.header.checkpoint, i.index, i.header.epoch) for i in trail.items]
    heads += [(f"receipt of {r.agent}", r.checkpoint, frontier.size, b"") for r in readable(trail.archive)]
    told, wrong, foreign, named = recoveries(trail), 0, 0, 0
    renewed: dict[bytes, int] = {}  # epochs that knew the ledger after a recovery: they can know no older one again
    for where, head, most, epoch in heads:
        if head is None:
            continue
        named += 1
        fault = _fault(head, most, roots)
        since = [one for one in told if one.item.index > renewed.get(epoch, -1)]
        if fault is None:
            renewed[epoch] = max([renewed.get(epoch, -1), *(r.item.index for r in told if head.size > r.said.size)])
        elif of_another(head, most, since):
            foreign += 1
        else:
            wrong += 1
            yield Finding("history", ok=False, text=f"{where}: {fault}")
    if not wrong:
        text = f"{named} older tree heads named, all states of this ledger"
        if foreign:
            mine = named - foreign
            text = (
                f"{named} older tree heads named: {mine} states of this ledger, {foreign} of one it replaced, not shown"
            )
        yield Finding("history", ok=True, text=text)


def _fault(head: entry.TreeHead, most: int, roots: list[bytes]) -> str | None:
    if head.size > most:
        return f"names a ledger of {head.size} entries where at most {most} can have been: the tail is cut off"
    return (
        None if roots[head.size] == head.root else f"names another root at size {head.size}: the ledger was rewritten"
    )
