"""A receipt: what the gateway has made durable of one agent's chain, signed. It is sent only after the commit.

Retained on the agent's `receipts` topic, so that an agent that was away learns where to go on.
"""

from typing import Literal

from pydantic import BaseModel, ValidationError

from contract import cbor, cose, keys
from contract.entry import RECORD, VERSION, Count, Hash, Integer, Listed, Name, Nonce, TreeHead
from contract.errors import Malformed, TooLarge, UnsupportedVersion

RECEIPT_BYTES_MAX = 1 << 16


class EpochHead(BaseModel):
    """How far one epoch is durable without a hole; None where nothing of it is."""

    model_config = RECORD
    epoch: Nonce
    seq: Count
    hash: Hash


class Wanted(BaseModel):
    """A range of entries the gateway lacks, both ends included."""

    model_config = RECORD
    epoch: Nonce
    first: Count
    last: Count


class Refusal(BaseModel):
    """An entry that was not admitted, and why. The entry's epoch stops there."""

    model_config = RECORD
    epoch: Nonce
    seq: Count
    hash: Hash
    verdict: Name
    reason: str


class Receipt(BaseModel):
    """The payload."""

    model_config = RECORD
    v: Literal[1]
    agent: Name
    at_ns: Integer
    heads: Listed[EpochHead]
    wanted: Listed[Wanted]
    refused: Listed[Refusal]
    checkpoint: TreeHead


def sign(receipt: Receipt, key: keys.PrivateKey, site: str) -> bytes:
    """Write and sign a receipt."""
    return cose.sign(cbor.encode(receipt.model_dump()), key, "receipt", site)


def verify(data: bytes, key: keys.PublicKey, site: str) -> Receipt:
    """Read a receipt. Raises Inadmissible unless `key` signed it for this site and its version is known."""
    if len(data) > RECEIPT_BYTES_MAX:
        raise TooLarge(f"receipt: {len(data)} bytes; at most {RECEIPT_BYTES_MAX}")
    container = cose.parse(data)
    cose.verify(container, key, "receipt", site)
    fields = cbor.decode(container.payload)
    if not isinstance(fields, dict):
        raise Malformed("receipt: must be a map")
    if type(fields.get("v")) is not int or fields["v"] != VERSION:
        raise UnsupportedVersion(f"receipt: version {fields.get('v')!r:.40}; this software speaks {VERSION}")
    try:
        return Receipt.model_validate(fields)
    except ValidationError as error:
        raise Malformed(f"receipt: {error.errors()[0]['loc']}: {error.errors()[0]['msg']}") from None
