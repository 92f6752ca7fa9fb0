"""A co-signature that came by mail or on a stick, as a filing for the spool.

In: a note with a witness's line, and the ledger. Out: the parts of an `anchor` entry. Raises ValueError, one clear
line, for a note this ledger never signed.
"""

from typing import Annotated

from annotated_types import Len
from pydantic import BaseModel, ConfigDict

from contract import checkpoint, records
from contract.anchor_records import AnchorPart
from contract.checkpoint import CHECKPOINT_BYTES_MAX
from gateway.ledger import Ledger
from gateway.spool import Kind, Kinds


class AnchorFiling(BaseModel):
    """Whose co-signature it is, and the note with it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    source: Annotated[str, Len(1, 200)]
    note: Annotated[str, Len(1, CHECKPOINT_BYTES_MAX)]


def parts(says: AnchorFiling, ledger: Ledger) -> list[bytes]:
    """The entry's part, if the note begins as the ledger's own record of it does, signature included."""
    size = checkpoint.parse(says.note).size
    signed = ledger.checkpoint_at(size)
    if signed is None or not says.note.startswith(signed):
        raise ValueError(f"note: its {size} entries are no checkpoint that this ledger signed: take the note it gave")
    return [records.write(AnchorPart(source=says.source, note=says.note, token=None))]


KINDS: Kinds = {"anchor": Kind(AnchorFiling, "anchor", parts)}
