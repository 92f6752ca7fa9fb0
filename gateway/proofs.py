"""Proofs from the ledger's rows: that an entry is in it, and that it only grew. One reading of the log, little memory.

In: a ledger opened in any way. Out: hashes, in the order that contract/merkle.py gives. A hundred thousand entries take
about 0.25 s; nothing waits for it.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from contract import merkle
from contract.merkle import Frontier, Range


class Leaves(Protocol):
    """What proofs need of a ledger."""

    def leaves(self, size: int) -> Iterable[bytes]:
        """The leaf hashes of its first `size` entries."""


def growth(log: Leaves, old_size: int, size: int) -> tuple[bytes, ...]:
    """That the first `old_size` entries are the beginning of the first `size`; nothing is due from 0."""
    return roots(log, merkle.consistency_ranges(old_size, size)) if old_size else ()


def inclusion(log: Leaves, index: int, size: int) -> tuple[bytes, ...]:
    """That an entry is among the first `size`."""
    return roots(log, merkle.inclusion_ranges(index, size))


def root_at(log: Leaves, size: int) -> bytes:
    """The root over the first `size` entries."""
    return roots(log, [(0, size)])[0]


def roots(log: Leaves, ranges: Sequence[Range]) -> tuple[bytes, ...]:
    """The root over each range of entries. Ranges that overlap are not asked for together."""
    found = {one: Frontier() for one in ranges}
    waiting = sorted((one for one in ranges if one[0] < one[1]), reverse=True)
    for index, leaf in enumerate(log.leaves(max((end for _, end in ranges), default=0))):
        while waiting and index >= waiting[-1][1]:
            waiting.pop()
        if waiting and index >= waiting[-1][0]:
            found[waiting[-1]].append(leaf)
    for (first, end), tree in found.items():
        if tree.size != end - first:
            raise IndexError(f"entries {first} to {end} are not all there")
    return tuple(found[one].root() for one in ranges)
