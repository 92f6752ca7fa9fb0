"""Every author's chain must be whole: epochs without a hole that is not declared, each after the one before it.

In: a trail. Out: one finding per author, or one per break: gap, broken link, rollback, clone, unknown parent. What
somebody answers for between epochs holds, and is told; what is broken within one never does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contract import records
from contract.chain import Head, Lost, beyond_lost, break_before, break_within
from contract.entry import NO_ENTRY
from contract.errors import Malformed
from contract.lineage import Odd
from verifier import lineages
from verifier.check_void import declared, lost_of
from verifier.finding import Finding, lacking
from verifier.lineages import Word
from verifier.trail import GATEWAY, Alone, Item, Trail, withheld

KEEPS = {"this": "its author goes on with this branch", "other": "this branch is set aside"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a chain; `hole_before`: entries are missing before this one, and a `void` might say why."""

    text: str
    hole_before: int | None = None


def chains(trail: Trail) -> Iterator[Finding]:
    """Every author's epochs, in the order of the ledger."""
    said, every = lineages.words(trail)
    hidden_words = [one for one in trail.of("acknowledgement", author=GATEWAY) if one.whole() is None]
    authors = lineages.by_author(trail.items)
    yield from (Finding("chain", ok=False, text=fault) for fault in _word_faults(authors, every))
    for author, items in sorted(authors.items()):
        odd = lineages.odd(items, lost_of(items))
        spoken = {one.begun.epoch: said[author, one.begun.epoch] for one in odd if (author, one.begun.epoch) in said}
        yield from _chain(
            author, items, [one for one in odd if one.begun.epoch not in spoken], hidden_words, answered=bool(spoken)
        )
        for one in odd:
            if one.begun.epoch in spoken:
                yield Finding("chain", ok=True, text=f"{_told(items, one)}, {_answered(spoken[one.begun.epoch])}")


def _chain(
    author: str, items: Sequence[Item], odd: Sequence[Odd], hidden_words: Sequence[Item], *, answered: bool
) -> Iterator[Finding]:
    """One author's findings but for what somebody answers for.

    What is withheld may say why only where it came in time: a `void` before what follows its hole, an acknowledgement
    after what it speaks of.
    """
    faults = list(_links(items)) + list(_unread(items))
    hidden = {item.index: item for item in items if _hides_parent(item) or _hides_void(item)}
    voids = [item.index for item in items if _hides_void(item)]
    for fault in faults:
        given = fault.hole_before is not None and min(voids, default=fault.hole_before) < fault.hole_before
        yield lacking("chain", fault.text) if given else Finding("chain", ok=False, text=fault.text)
    for one in odd:
        words = withheld(Alone(tuple(i for i in hidden_words if i.index > one.begun.index)), "acknowledgement")
        given = bool(words) or (one.name == "gap" and bool(voids))
        yield Finding("chain", ok=False, text=_told(items, one) + words, withheld=given)
    for item in hidden.values():
        what = "withheld: what it declares lost is unknown"
        if _hides_parent(item):
            what = "the manifest's first part is withheld: what this epoch follows is unknown"
        yield lacking("chain", f"{item.index} {item.where}: {what}")
    if not faults and not hidden and not odd:
        epochs = len({item.header.epoch for item in items})
        told = [part for item in items if item.header.type == "void" for part in declared(item)]
        lost = f"{len(told)} range{'s' * (len(told) > 1)} declared lost" if told else "no gap"
        lost += " but what somebody answers for" * answered
        text = f"{author}: {len(items)} entries in {epochs} epoch{'s' * (epochs > 1)}, {lost}"
        yield Finding("chain", ok=True, text=text)


def _told(items: Sequence[Item], odd: Odd) -> str:
    item = next(item for item in items if item.index == odd.begun.index)
    return f"{item.index} {item.where}: {odd.name}: {odd.text}"


def _answered(word: Word) -> str:
    item, part = word
    return f"acknowledged by {part.author} in entry {item.index}: {part.reason}; {KEEPS[part.keeps]}"


def _word_faults(authors: dict[str, list[Item]], every: Sequence[Word]) -> Iterator[str]:
    """An acknowledgement must speak of an epoch's first entry, and of one that is odd to set its branch aside."""
    for item, part in every:
        of = part.entry
        items = authors.get(of.author, []) if of.author != GATEWAY else []
        name = f"{item.index} {item.where}: acknowledges {of.author} {of.epoch.hex()[:8]}/{of.seq}"
        first = next((i for i in items if (i.header.epoch, i.header.seq, i.hash) == (of.epoch, of.seq, of.hash)), None)
        if of.seq != 0 or first is None:
            yield f"{name}, which is no first entry of an epoch in the ledger"
        elif first.index > item.index:
            yield f"{name}, which came only after it"
        elif any(_hides_void(i) or (i.header.epoch == of.epoch and _hides_parent(i)) for i in items):
            continue  # whether anything is odd about it is not shown: lacking in its own line
        elif part.keeps == "other" and of.epoch not in {one.begun.epoch for one in lineages.odd(items, lost_of(items))}:
            yield f"{name} and sets it aside, though nothing is odd about it"


def _links(items: Sequence[Item]) -> Iterator[Fault]:
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
            yield Fault(f"{item.index} {item.where}: {fault}", item.index if is_hole else None)
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


def _unread(items: Sequence[Item]) -> Iterator[Fault]:
    """Epochs whose beginning does not say what it follows."""
    for item in items:
        if item.header.seq != 0 or _hides_parent(item):
            continue
        try:
            records.read((item.shown() or [b"\xa0"])[0], records.Author)
        except Malformed as error:
            yield Fault(f"{item.index} {item.where}: what this epoch follows is not said: {error}")


def _hides_parent(item: Item) -> bool:
    return item.header.seq == 0 and (item.parts is None or item.parts[:1] == (None,))


def _hides_void(item: Item) -> bool:
    return item.header.type == "void" and item.whole() is None
