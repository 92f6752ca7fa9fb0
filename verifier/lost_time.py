"""When entries that are gone were sealed, by the entries around them: their author's word for it is not enough.

In: an author's entries, in order of admission. Out: a span of time per range declared lost. Never: the time that the
range claims itself.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from contract.void_records import VoidPart
from verifier import lineages
from verifier.trail import Item


@dataclass(slots=True)
class Around:
    """One author's entries: of each epoch in order of seq, what came before it, and the first to follow it."""

    epochs: dict[bytes, list[Item]] = field(default_factory=dict)
    before: dict[bytes, Item | None] = field(default_factory=dict)
    heirs: dict[bytes, Item] = field(default_factory=dict)

    @classmethod
    def of(cls, items: Sequence[Item]) -> "Around":
        """Read an author's entries."""
        found, last = cls(), None
        for item in items:
            found.epochs.setdefault(item.header.epoch, []).append(item)
            found.before.setdefault(item.header.epoch, last)
            if item.header.seq == 0 and (parent := lineages.parent_of(item)) is not None:
                found.heirs.setdefault(parent.epoch, item)
            last = item
        for mine in found.epochs.values():
            mine.sort(key=lambda one: one.header.seq)
        return found

    def sealed(self, void: Item, part: VoidPart) -> tuple[int, int] | None:
        """From when to when a range was sealed, ns: after the entry before it, and before the one after it.

        Where a clock was set back between them it is all the time between. None: nothing came before it.
        """
        mine = self.epochs.get(part.epoch, [])
        sooner = bisect_left(mine, part.first, key=lambda one: one.header.seq)
        later = bisect_right(mine, part.last, key=lambda one: one.header.seq)
        after = mine[later] if later < len(mine) else self.heirs.get(part.epoch, void)
        before = mine[sooner - 1] if sooner else self.before.get(after.header.epoch)
        if before is None:
            return None
        at_ns = before.header.sealed_ns, after.header.sealed_ns
        return min(at_ns), max(at_ns)
