"""Which entries of an author count as one life, where its epochs form a tree: each epoch follows an entry of another.

In: how each epoch began, in order of admission, and what people said of those that are odd. Out: the trunk, what each
epoch rests on, and what is odd. Readings of two branches are never taken together: a window rests on the trunk, or on
the branch that told of it. Never: an entry itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from contract.chain import Head, Lost

UNKNOWN = Head(b"", 0, b"")  # the parent of an epoch whose beginning is not shown, or was lost

Keeps = Literal["this", "other"]
Way = dict[bytes, tuple[int, int | None]]  # epochs in order: the rank of each, and its last entry on the way
Standing = Literal["trunk", "before", "aside", "lost"]


@dataclass(frozen=True, slots=True)
class Begun:
    """How an epoch began: its first manifest's hash, which entry that follows, and its number in order of admission.

    `seq` is 0 but where its beginning was lost.
    """

    epoch: bytes
    hash: bytes
    parent: Head | None
    index: int
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Odd:
    """An epoch that does not simply follow the one before it. `text` says what is odd, for a person."""

    name: Literal["rollback", "clone", "gap", "fork"]
    begun: Begun
    text: str


@dataclass(frozen=True, slots=True)
class Left:
    """Entries of an epoch after `after` are off the trunk since the author's entry number `since`; -1: ever since."""

    after: int
    since: int


@dataclass(slots=True)
class Lineage:
    """One author's epochs. `trunk` is the way that the author went on: of each epoch its rank and last entry there.

    No last entry: the epoch goes on. `follows` has the entry each epoch is taken to follow.
    """

    trunk: Way = field(default_factory=dict)
    follows: dict[bytes, tuple[bytes, int | None] | None] = field(default_factory=dict)
    first: dict[bytes, int] = field(default_factory=dict)
    left: dict[bytes, list[Left]] = field(default_factory=dict)

    def place(self, epoch: bytes, seq: int) -> tuple[int, int] | None:
        """Where an entry stands on the trunk; None if it is off it."""
        return self.place_on(self.trunk, epoch, seq)

    def place_on(self, way: Way, epoch: bytes, seq: int) -> tuple[int, int] | None:
        """Where an entry stands on a way; None if it is off it, or of an epoch's lost beginning."""
        stretch = way.get(epoch)
        if stretch is None or seq < self.first.get(epoch, 0) or (stretch[1] is not None and seq > stretch[1]):
            return None
        return stretch[0], seq

    def path(self, epoch: bytes) -> Way:
        """What an epoch rests on, itself included: as the trunk, oldest first."""
        way: list[tuple[bytes, int | None]] = []
        step: tuple[bytes, int | None] | None = (epoch, None)
        while step is not None:
            way.append(step)
            step = self.follows.get(step[0])
        return {name: (rank, last) for rank, (name, last) in enumerate(reversed(way))}

    def standing(self, epoch: bytes, seq: int, index: int) -> Standing:
        """How what an entry tells stands to the trunk.

        Off it only that counts which was admitted `before` its author went on elsewhere: what a branch says beside the
        one that is kept may be the same again, and is set `aside`. `lost`: with the manifest that it needs.
        """
        if self.place(epoch, seq) is not None:
            return "trunk"
        if epoch not in self.follows or seq < self.first[epoch]:
            return "lost"
        since = [one.since for one in self.left.get(epoch, ()) if seq > one.after]
        return "before" if since and index < min(since) else "aside"


def read(begun: Sequence[Begun], keeps: Mapping[bytes, Keeps]) -> Lineage:
    """The lineage of an author. Nobody having said otherwise, it goes on with an epoch that follows its trunk."""
    known = {one.epoch: one for one in begun}
    found = Lineage()
    for one in begun:
        for each in _ancestors_first(one, known, found):
            _add(found, each, keeps.get(each.epoch))
    return found


def _ancestors_first(one: Begun, known: Mapping[bytes, Begun], found: Lineage) -> Iterator[Begun]:
    """An epoch and those it rests on that are not read yet: entries of an older one may have come after it began."""
    way: dict[bytes, Begun] = {}
    step: Begun | None = one
    while step is not None and step.epoch not in found.follows and step.epoch not in way:
        way[step.epoch] = step
        step = known.get(step.parent.epoch) if step.parent else None
    yield from reversed(way.values())


def _add(found: Lineage, one: Begun, keeps: Keeps | None) -> None:
    tail = next(reversed(found.trunk), None)
    follows: tuple[bytes, int | None] | None = None
    if one.parent is not None and one.parent.epoch in found.follows:
        follows = one.parent.epoch, one.parent.seq
    elif one.parent is not None and tail is not None:
        follows = tail, None  # what it follows is not here: it goes on from where its author stood
    found.follows[one.epoch], found.first[one.epoch] = follows, one.seq
    on_trunk = follows is None or follows[1] is None or found.place(follows[0], follows[1]) is not None
    if keeps == "other" and tail is not None:
        found.left[one.epoch] = [Left(-1, -1)]
    elif keeps == "this" or on_trunk:
        _go_on(found, one)
    else:
        away = [left.since for left in found.left.get(follows[0], ())] if follows else []
        found.left[one.epoch] = [Left(-1, min(away, default=-1))]


def _go_on(found: Lineage, one: Begun) -> None:
    """Let the trunk be the way of an epoch, and what else was on it be left."""
    follows, tail = found.follows[one.epoch], next(reversed(found.trunk), None)
    if follows is not None and follows[0] == tail:
        found.trunk[one.epoch] = found.trunk[tail][0] + 1, None
        if follows[1] is not None:
            found.trunk[tail] = found.trunk[tail][0], follows[1]
            found.left.setdefault(tail, []).append(Left(follows[1], one.index))
        return
    old, found.trunk = found.trunk, found.path(one.epoch)
    for epoch, (_, last) in old.items():
        kept = found.trunk.get(epoch)
        if kept is None:
            found.left.setdefault(epoch, []).append(Left(-1, one.index))
        elif kept[1] is not None and (last is None or last > kept[1]):
            found.left.setdefault(epoch, []).append(Left(kept[1], one.index))


def odd(
    begun: Sequence[Begun],
    hash_at: Callable[[bytes, int], bytes | None],
    last: Callable[[bytes], int],
    lost: Mapping[bytes, Sequence[Lost]],
) -> Iterator[Odd]:
    """Every epoch that does not follow the last entry of another, or that is not the first to do so.

    `hash_at` and `last` tell of an epoch's entries in the ledger, as they are in the end: entries of an older one may
    have come after the newer one began.
    """
    children: dict[Head | None, Begun] = {}
    for one in begun:
        if one.parent == UNKNOWN:
            continue
        found = _odd(one, children, hash_at, last, lost)
        children.setdefault(one.parent, one)
        if found is not None:
            yield found


def _odd(
    one: Begun,
    children: Mapping[Head | None, Begun],
    hash_at: Callable[[bytes, int], bytes | None],
    last: Callable[[bytes], int],
    lost: Mapping[bytes, Sequence[Lost]],
) -> Odd | None:
    parent = one.parent
    if parent is None:
        return Odd("rollback", one, "follows nothing, though its author has entries") if children else None
    name = f"{parent.epoch.hex()[:8]}/{parent.seq}"
    if parent in children:
        return Odd("clone", one, f"another epoch already follows {name}")
    held = hash_at(parent.epoch, parent.seq)
    if held is None:
        if _is_lost(parent, lost.get(parent.epoch, ())):
            return None
        return Odd("gap", one, f"follows {name}, which is not in the ledger")
    if held != parent.hash:
        return Odd("fork", one, f"follows an entry {name} with another hash than the ledger's")
    if last(parent.epoch) > parent.seq:
        return Odd("rollback", one, f"follows {name}, though that epoch goes on to seq {last(parent.epoch)}")
    return None


def _is_lost(parent: Head, lost: Sequence[Lost]) -> bool:
    """Whether an entry was declared lost, under the hash it is known by if that was stated."""
    ranges = [one for one in lost if one.first <= parent.seq <= one.last]
    return bool(ranges) and all(one.hash in {None, parent.hash} for one in ranges if one.last == parent.seq)
