"""A commissioning sheet: what a person and a meter said on one day, signed by the agent's key.

In: a `Sheet` and a key; or bytes and a public key. Out: the container (contract, section 4, kind `sheet`), and back. No
files, no clock. Whoever signs states that these answers were typed and these words read, no more.
"""

import hashlib
from typing import Annotated, Literal

from annotated_types import Ge, Le, Len
from pydantic import BaseModel, ValidationError

from contract import cbor, cose, keys
from contract.entry import RECORD, Count, Hash, Integer, Name
from contract.errors import Malformed, TooLarge
from contract.records import Text, Transformer

SHEET_BYTES_MAX = 262_144
Words = Annotated[int, Ge(0), Le(2**64 - 1)]


class Seen(BaseModel):
    """One point's answer: the raw words as one integer, or a text; neither with a bad status."""

    model_config = RECORD
    point: Name
    raw: Words | None
    text: Text | None
    status: Count
    requested_ns: Integer
    answered_ns: Integer


class Look(BaseModel):
    """One read of the meter, by the name of what it was for."""

    model_config = RECORD
    look: Name
    seen: list[Seen]


class Answer(BaseModel):
    """What the person typed, word for word, to which question and when."""

    model_config = RECORD
    key: Name
    text: Text
    at_ns: Integer


class Step(BaseModel):
    """What came of a step, in one line; a skipped one says why."""

    model_config = RECORD
    step: Name
    verdict: Literal["passed", "failed", "skipped"]
    line: Text


class Sheet(BaseModel):
    """The whole sheet. `serial`, `ct` and `pt` are as configured on that day."""

    model_config = RECORD
    v: Literal[1] = 1
    site: Name
    agent: Name
    meter: Name
    installation: Text
    address: Text
    serial: Text
    profile: Text
    profile_hash: Hash
    ct: Transformer | None
    pt: Transformer | None
    software: Text
    person: Annotated[str, Len(1, 200)]
    started_ns: Integer
    ended_ns: Integer
    looks: list[Look]
    answers: list[Answer]
    steps: list[Step]

    @property
    def verdict(self) -> Literal["passed", "failed", "incomplete"]:
        """Failed if any step is, else incomplete if any was skipped."""
        verdicts = {step.verdict for step in self.steps}
        return "failed" if "failed" in verdicts else "incomplete" if "skipped" in verdicts else "passed"


def write(sheet: Sheet, key: keys.PrivateKey) -> bytes:
    """Sign a sheet. Raises TooLarge if it would not be read."""
    signed = cose.sign(cbor.encode(sheet.model_dump()), key, "sheet", sheet.site)
    if len(signed) > SHEET_BYTES_MAX:
        raise TooLarge(f"sheet: {len(signed)} bytes, more than {SHEET_BYTES_MAX}")
    return signed


def read(data: bytes, key: keys.PublicKey) -> Sheet:
    """Verify and read a sheet. Raises Malformed, TooLarge, or BadSignature unless `key` signed it as a sheet."""
    sheet = claimed(data)
    cose.verify(cose.parse(data), key, "sheet", sheet.site)
    return sheet


def claimed(data: bytes) -> Sheet:
    """What a sheet says, whoever signed it. Raises Malformed or TooLarge."""
    if len(data) > SHEET_BYTES_MAX:
        raise TooLarge(f"sheet: {len(data)} bytes, more than {SHEET_BYTES_MAX}")
    try:
        return Sheet.model_validate(cbor.decode(cose.parse(data).payload))
    except ValidationError as error:
        first = error.errors()[0]
        raise Malformed(f"sheet: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def sheet_hash(data: bytes) -> bytes:
    """SHA-256 of the file as it is (32 bytes): what a configuration or a manifest names a sheet by."""
    return hashlib.sha256(data).digest()


def signed_by(data: bytes) -> bytes:
    """Thumbprint of the key a sheet names as its signer (32 bytes); `read` tells whether it is. Raises Malformed."""
    return cose.parse(data).key_id
