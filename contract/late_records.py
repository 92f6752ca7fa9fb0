"""What a late batch's entry says beyond its batch and amounts: whose readings it was computed from, and how it came.

In and out: records, as in records.py.
"""

from typing import Annotated, Literal

from annotated_types import Len
from pydantic import BaseModel

from contract.entry import RECORD, Count, Hash, Integer, Listed, Name
from contract.records import Text


class LatePart(BaseModel):
    """First part of a late batch's entry; the parts that the agent itself would have written follow.

    The gateway computed them from the readings that `agent` had sealed in the ledger's first `ledger_size` entries, for
    the line as the agent's `manifest` (that entry's hash) declares it. `lacking` says why the batch is incomplete.
    """

    model_config = RECORD
    part: Literal["late"] = "late"
    agent: Name
    manifest: Hash
    ledger_size: Count
    way: Literal["command", "file", "http"]
    file: Text | None
    file_hash: Hash | None
    row: Count | None
    author: Annotated[str, Len(1, 200)]
    reason: Annotated[str, Len(1, 1000)]
    told_ns: Integer
    lacking: Listed[Text]
