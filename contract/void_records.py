"""What an agent has lost for good: a range of its own entries that nobody will ever send, and why.

In and out: records, as in records.py; the parts of an entry of type `void`. Such an entry stands in a later epoch than
the range: what follows a hole in its own epoch cannot be admitted before it.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

from annotated_types import Len
from pydantic import BaseModel

from contract import records
from contract.entry import RECORD, Count, Hash, Integer, Nonce
from contract.errors import Malformed


class VoidPart(BaseModel):
    """Entries `first` to `last` of an epoch of the author's, both included, are gone from its journal.

    `last_hash` is the hash of entry `last`, so that what comes after it can still be linked; null where nothing tells
    it, and then nothing after `last` is left either. `from_ns` to `to_ns` is the time that can have been lost: what
    the entries spoke of, or where that is gone, from the last before them to the first after them. `retired`: they were
    delivered, kept as long as they had to be and deleted; then the gateway lost them.
    """

    model_config = RECORD
    part: Literal["void"] = "void"
    epoch: Nonce
    first: Count
    last: Count
    last_hash: Hash | None
    from_ns: Integer
    to_ns: Integer
    cause: Literal["disk_full", "damaged", "retired"]
    detail: Annotated[str, Len(0, 1000)]


def voids_of(parts: Iterable[bytes], epoch: bytes, seq: int) -> list[VoidPart]:
    """What a `void` at this place declares lost. Raises Malformed unless all of it comes before it."""
    found = [records.read(part, VoidPart) for part in parts]
    if not found:
        raise Malformed("void: names no range")
    for one in found:
        if one.first > one.last or one.from_ns > one.to_ns:
            raise Malformed("void: a range or its time ends before it begins")
        if one.epoch == epoch and one.last >= seq:
            raise Malformed("void: declares itself lost, or what comes after it")
    return found
