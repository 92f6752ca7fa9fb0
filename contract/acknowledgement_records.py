"""What a person answers for in an author's chain: that it went back, went on twice, or follows what is not here.

In and out: records, as in records.py; the parts of the gateway's entries of type `acknowledgement`.
"""

from typing import Annotated, Literal

from annotated_types import Len
from pydantic import BaseModel

from contract.entry import RECORD, Integer, Name
from contract.manual_records import EntryRef


class AcknowledgementPart(BaseModel):
    """`entry` is the first of the epoch that is odd. The last word about an epoch holds.

    `keeps` says on which branch the author goes on: `this`, which the entry begins, or `other`, where it stood before.
    """

    model_config = RECORD
    part: Literal["acknowledgement"] = "acknowledgement"
    entry: EntryRef
    keeps: Literal["this", "other"]
    author: Name
    reason: Annotated[str, Len(1, 1000)]
    entered_ns: Integer
