"""What becomes of keys: an author goes on with another one, one is lost, one may be in other hands.

In and out: records, as in records.py. A `rotation` stands in the author's own chain under its old key; a `revocation`,
and why an author was enrolled again, in the gateway's. What a proof is made over: rotation.py.
"""

from typing import Annotated, Literal

from annotated_types import Len
from pydantic import BaseModel

from contract.entry import RECORD, Count, Hash, Integer, Name

Custody = Literal["file", "pkcs11"]
Said = Annotated[str, Len(0, 1000)]


class RotationPart(BaseModel):
    """The one part of an entry of type `rotation`: its author goes on with this key, and `proof` shows it holds it."""

    model_config = RECORD
    part: Literal["rotation"] = "rotation"
    key: bytes  # deterministic COSE_Key
    key_id: Hash
    proof: bytes  # COSE_Sign1 of kind `rotation` by the new key


class Reenrolled(BaseModel):
    """Who enrolled an author anew that could not sign a rotation, and why. Its keys before are revoked by that."""

    model_config = RECORD
    by: Name
    reason: Said
    entered_ns: Integer


class RevocationPart(BaseModel):
    """From this entry on nothing more is believed of a key; since `since_ns` it may have been in other hands.

    `first_index` is the first entry that the gateway admitted at or after `since_ns`, by its own clock; the ledger's
    size where there is none. From there to this entry lies the compromise window.
    """

    model_config = RECORD
    part: Literal["revocation"] = "revocation"
    author: Name
    key_id: Hash
    since_ns: Integer
    first_index: Count
    by: Name
    reason: Said
    entered_ns: Integer
