"""What an outsider said of a checkpoint: co-signatures of witnesses, or a time-stamp authority's token, verbatim.

In and out: records, as in records.py; the parts of an entry of type `anchor`. Since such an entry stands in the ledger
itself, whatever names a later checkpoint cannot be older than what it holds.
"""

from typing import Annotated, Literal

from annotated_types import Len
from pydantic import BaseModel

from contract.checkpoint import CHECKPOINT_BYTES_MAX
from contract.entry import RECORD

TOKEN_BYTES_MAX = 1 << 15


class AnchorPart(BaseModel):
    """`note` is a checkpoint of this ledger with the co-signatures it was given, if any.

    `token` is an RFC 3161 response (TimeStampResp, DER) over the SHA-256 of the note's three lines, or null. `source`
    is what the gateway calls whom it asked: for people, and no evidence.
    """

    model_config = RECORD
    part: Literal["anchor"] = "anchor"
    source: Annotated[str, Len(1, 200)]
    note: Annotated[str, Len(1, CHECKPOINT_BYTES_MAX)]
    token: Annotated[bytes, Len(1, TOKEN_BYTES_MAX)] | None
