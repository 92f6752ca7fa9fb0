"""The lineages of a trail's authors, and the trail again as each branch of one rests on it.

In: a trail. Out: how every epoch began, what is odd about it and who answers for that; and views: the trail without
what is off its authors' trunks, and one for each branch that is. Never: an entry in a view before one that it follows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from contract import lineage, records
from contract.acknowledgement_records import AcknowledgementPart
from contract.chain import Head, Lost
from contract.errors import Malformed
from contract.late_records import LatePart
from contract.lineage import Begun, Lineage, Odd, Standing, Way
from verifier.trail import GATEWAY, Entries, Item, records_of

NO_END = 2**63  # of a ledger
Word = tuple[Item, AcknowledgementPart]
Words = Mapping[tuple[str, bytes], Word]


@dataclass(frozen=True, slots=True)
class Side:
    """What a branch of an author rests on, in order; `standings` are of those entries that no other view judges.

    The branch is one that is off the trunk; or the trunk as it was when the late batches among the entries were told.
    """

    name: str
    items: tuple[Item, ...]
    standings: Mapping[int, Standing]


@dataclass(frozen=True, slots=True)
class Views:
    """`main` are the entries without what is off its author's trunk, each author's in the order of its chain.

    `lost` are those whose manifest is lost, so that nothing can be read of them.
    """

    main: tuple[Item, ...]
    sides: tuple[Side, ...]
    lost: tuple[Item, ...]


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
            found[item.header.epoch] = Begun(item.header.epoch, item.hash, parent_of(item), item.index, item.header.seq)
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


def words(trail: Entries, size: int = NO_END) -> tuple[Words, list[Word]]:
    """What people said of odd epochs in the first `size` entries: the last word of each, and every word."""
    said: dict[tuple[str, bytes], Word] = {}
    every: list[Word] = []
    for item in trail.of("acknowledgement", author=GATEWAY):
        if item.index >= size:
            break
        try:
            for part in records_of(item, AcknowledgementPart, "acknowledgement"):
                every.append((item, part))
                if part.entry.seq == 0:
                    said[part.entry.author, part.entry.epoch] = item, part
        except Malformed:
            continue
    return said, every


def views(trail: Entries, items: Sequence[Item]) -> Views:
    """The entries again, as what is recomputed from them rests on them."""
    said, _ = words(trail)
    authors = {author: mine for author, mine in by_author(items).items() if author != GATEWAY}
    known = lineages(items, said)
    elsewhere: set[int] = set()
    sides: list[Side] = []
    chains: dict[str, Iterator[Item]] = {}
    for author, mine in authors.items():
        chain = _along(mine, known[author], known[author].trunk)
        off = {item.index for item in mine} - {item.index for item in chain}
        if off or any(author == of for of, _ in said):
            sides += _late_sides(author, mine, chain, trail)
            sides += _branches(author, mine, known[author], off)
        elsewhere |= off
        chains[author] = iter(chain)
    judged = {index for side in sides for index in side.standings}
    main = tuple(next(chains.get(i.header.author, iter([i]))) for i in items if i.index not in elsewhere | judged)
    return Views(main, tuple(sides), tuple(item for item in items if item.index in elsewhere - judged))


def _along(items: Iterable[Item], known: Lineage, way: Way) -> list[Item]:
    """An author's entries on a way, in its order; with a rank of their own if they were admitted in another."""
    placed = ((known.place_on(way, item.header.epoch, item.header.seq), item) for item in items)
    found = [item for _, item in sorted(((place, item) for place, item in placed if place), key=lambda one: one[0])]
    if all(one.index < other.index for one, other in pairwise(found)):
        return found
    return [replace(item, rank=rank) for rank, item in enumerate(found)]


def _branches(author: str, items: Sequence[Item], known: Lineage, off: set[int]) -> Iterator[Side]:
    """A view for each branch off the trunk, so that each entry off it is judged in one."""
    due = {item.index: item for item in items if item.index in off}
    for epoch in reversed(known.follows):
        if not any(item.header.epoch == epoch for item in due.values()):
            continue
        chain = _along(items, known, known.path(epoch))
        mine = [due.pop(item.index) for item in chain if item.index in due]
        if mine:
            standings = {i.index: known.standing(i.header.epoch, i.header.seq, i.index) for i in mine}
            yield Side(f"{author} {epoch.hex()[:8]}", tuple(chain), standings)


def _late_sides(author: str, items: Sequence[Item], chain: Sequence[Item], trail: Entries) -> Iterator[Side]:
    """A view for each late batch of an agent that was told when its trunk was another."""
    for late in trail.of("late_batch", author=GATEWAY):
        try:
            (part,) = records_of(late, LatePart, "late")
        except (Malformed, ValueError):
            continue  # not one: a finding where batches are read
        if part.agent != author:
            continue
        then = [item for item in items if item.index < part.ledger_size]
        known = lineages(then, words(trail, part.ledger_size)[0]).get(author, Lineage())
        mine = _along(then, known, known.trunk)
        if [i.index for i in mine] != [i.index for i in chain if i.index < part.ledger_size]:
            yield Side(f"{author} as of entry {part.ledger_size}", (*mine, late), {late.index: "trunk"})


def lineages(items: Iterable[Item], said: Words) -> dict[str, Lineage]:
    """Every agent's."""
    found = {}
    for author, mine in by_author(items).items():
        if author != GATEWAY:
            keeps = {epoch: part.keeps for (of, epoch), (_, part) in said.items() if of == author}
            found[author] = lineage.read(begun(mine), keeps)
    return found
