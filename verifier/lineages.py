"""The lineages of a trail's authors, and the trail again as each branch of one rests on it.

In: a trail. Out: how every epoch began, what is odd about it and who answers for that; and views: the trail without
what is off its authors' trunks, and one for each branch that is. Never: an entry in a view before one that it follows.
"""

from collections.abc import Iterable, Mapping, Sequence

from contract import lineage, records
from contract.acknowledgement_records import AcknowledgementPart
from contract.chain import Head, Lost
from contract.errors import Malformed
from contract.lineage import Begun, Lineage, Odd
from verifier.trail import GATEWAY, Entries, Item, records_of

Word = tuple[Item, AcknowledgementPart]
Words = Mapping[tuple[str, bytes], Word]


def by_author(items: Iterable[Item]) -> dict[str, list[Item]]:
    """Every author's entries, in order of admission."""
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.header.author, []).append(item)
    return found


def begun(items: Iterable[Item]) -> list[Begun]:
    """How an author's epochs began. Raises nothing: what cannot be read is a finding elsewhere."""
    found: dict[bytes, Begun] = {}
    for item in items:
        if item.header.type == "manifest" and item.header.epoch not in found:
            found[item.header.epoch] = Begun(item.header.epoch, item.hash, parent_of(item), item.index)
    return list(found.values())


def parent_of(item: Item) -> Head | None:
    """Which entry an epoch's first follows; `UNKNOWN` where it does not tell, or is not the first."""
    if item.header.seq != 0 or not item.parts or item.parts[0] is None:
        return lineage.UNKNOWN
    try:
        parent = records.read(item.parts[0], records.Author).parent
    except Malformed:
        return lineage.UNKNOWN
    return None if parent is None else Head(parent.epoch, parent.seq, parent.hash)


def odd(items: Sequence[Item], lost: Mapping[bytes, Sequence[Lost]]) -> list[Odd]:
    """What is odd about an author's epochs."""
    hashes = {(item.header.epoch, item.header.seq): item.hash for item in items}
    last: dict[bytes, int] = {}
    for epoch, seq in hashes:
        last[epoch] = max(seq, last.get(epoch, 0))
    return list(lineage.odd(begun(items), lambda epoch, seq: hashes.get((epoch, seq)), last.__getitem__, lost))


def words(trail: Entries) -> tuple[Words, list[Word]]:
    """What people said of odd epochs, the last word of each; and words that cannot be read as such are left out."""
    said: dict[tuple[str, bytes], Word] = {}
    every: list[Word] = []
    for item in trail.of("acknowledgement", author=GATEWAY):
        try:
            for part in records_of(item, AcknowledgementPart, "acknowledgement"):
                every.append((item, part))
                if part.entry.seq == 0:
                    said[part.entry.author, part.entry.epoch] = item, part
        except Malformed:
            continue
    return said, every


def lineages(items: Iterable[Item], said: Words) -> dict[str, Lineage]:
    """Every agent's."""
    found = {}
    for author, mine in by_author(items).items():
        if author != GATEWAY:
            keeps = {epoch: part.keeps for (of, epoch), (_, part) in said.items() if of == author}
            found[author] = lineage.read(begun(mine), keeps)
    return found
