"""The order of an author's entries: what may follow what.

In: where a chain stands, and a header. Out: why the header cannot come next, or None.
"""

from dataclasses import dataclass

from contract.entry import NO_ENTRY, Header


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of an epoch, as far as somebody knows."""

    epoch: bytes
    seq: int
    hash: bytes


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
