"""The hashes of admitted entries by their place: the latest in memory, the rest asked of the ledger.

In: places and hashes as entries are accepted. Out: hashes again. Holds at least a whole group of entries that are
accepted but not yet committed, so that what the ledger cannot know yet is never missed.
"""

from collections import OrderedDict
from collections.abc import Callable

from gateway.trust import Place

KEPT = 1 << 16


class Recall:
    """A `Past` (trust.py) over a ledger's `hash_at`."""

    def __init__(self, hash_at: Callable[[Place], bytes | None], kept: int = KEPT) -> None:
        self._hash_at, self._kept = hash_at, kept
        self._latest: OrderedDict[Place, bytes] = OrderedDict()

    def get(self, place: Place, /) -> bytes | None:
        """The hash admitted in a place, or None."""
        return self._latest.get(place) or self._hash_at(place)

    def __setitem__(self, place: Place, digest: bytes, /) -> None:
        self._latest[place] = digest
        while len(self._latest) > self._kept:
            self._latest.popitem(last=False)
