"""The order of an author's entries: what may follow what, over ranges that their author declared lost.

In: where a chain stands, a header, what was declared lost. Out: why the header cannot come next, or None.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from contract.entry import NO_ENTRY, Header


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of an epoch, as far as somebody knows."""

    epoch: bytes
    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Lost:
    """Entries `first` to `last` of an epoch, declared lost by a `void`; `hash` is the last one's, or None."""

    first: int
    last: int
    hash: bytes | None


def beyond_lost(head: Head | None, epoch: bytes, lost: Iterable[Lost]) -> Head | None:
    """The head of an epoch once what follows it is declared lost up to an entry whose hash is known."""
    due = 0 if head is None else head.seq + 1
    steps = sorted((one for one in lost if one.hash is not None and one.last >= due), key=lambda one: one.first)
    for one in steps:
        due = 0 if head is None else head.seq + 1
        if one.hash is not None and one.first <= due <= one.last:
            head = Head(epoch, one.last, one.hash)
    return head


def break_within(header: Header, digest: bytes, before: bytes, lost: Iterable[Lost]) -> str | None:
    """Why an entry of a range declared lost, which turned up all the same, cannot have its place, or None if it can.

    `before` is the hash of the entry before it, which has to be here.
    """
    if header.prev != before:
        return f"seq {header.seq} does not follow the hash of seq {header.seq - 1}"
    if any(one.last == header.seq and one.hash not in {None, digest} for one in lost):
        return f"seq {header.seq} is not the entry that was declared lost"
    return None


def break_before(head: Head | None, header: Header) -> str | None:
    """Why `header` cannot be the entry after `head` (None: the first of its epoch), or None if it can."""
    if head is None:
        return None if header.seq == 0 else f"seq {header.seq} where 0 is due"
    if header.epoch != head.epoch:
        return "another epoch"
    if header.seq != head.seq + 1:
        return f"seq {header.seq} where {head.seq + 1} is due"
    if header.prev != head.hash:
        return f"seq {header.seq} does not follow the hash of seq {head.seq}"
    return None


def previous_hash(head: Head | None) -> bytes:
    """What the next header's `prev` must be."""
    return NO_ENTRY if head is None else head.hash
