"""What an agent has lost for good: a range of its own entries that nobody will ever send, and why.

In and out: records, as in records.py; the parts of an entry of type `void`. Such an entry stands in a later epoch than
the range, or in the same one after it.
"""

from typing import Annotated, Literal

from annotated_types import Len
from pydantic import BaseModel

from contract.entry import RECORD, Count, Hash, Integer, Nonce


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
