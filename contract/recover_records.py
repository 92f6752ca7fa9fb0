"""That a ledger was taken up again under a new origin: what was known of the old one, and what was left of it.

In and out: records, as in records.py; the one part of an entry of type `acknowledgement`, the gateway's, which follows
its epoch's manifest.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

from annotated_types import Len
from pydantic import BaseModel

from contract.checkpoint import CHECKPOINT_BYTES_MAX, read_origin
from contract.entry import RECORD, Count, Hash, Integer
from contract.records import Text


class RecoverPart(BaseModel):
    """`origin` replaces the ledger `replaces`, of which `known` is the last checkpoint anybody had kept.

    `size` and `root` are the tree as it was found: entries 0 to `size` - 1 stand in both.
    """

    model_config = RECORD
    part: Literal["recover"] = "recover"
    origin: Text
    replaces: Text
    known: Annotated[str, Len(0, CHECKPOINT_BYTES_MAX)]
    size: Count
    root: Hash
    author: Annotated[str, Len(1, 200)]
    reason: Annotated[str, Len(1, 1000)]
    at_ns: Integer


def left_of(origin: str, told: Iterable[RecoverPart]) -> int | None:
    """How many entries of a ledger that was replaced are in the one that says so; None if it was not replaced.

    A later loss can have taken the very record that named it: then what was left of its successor is left of it.
    Raises Malformed for what is no ledger's name.
    """
    number = read_origin(origin)[1]
    return min((one.size for one in told if read_origin(one.replaces)[1] >= number), default=None)
