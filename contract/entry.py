"""An entry: a signed header that proves the chain, and beside it the body that the header's root proves.

In: a header, parts, a key. Out: `Sealed` bytes and their hash; and from bytes back to a header.
Reading never trusts: `read` only takes apart, `verify` checks the signature, `check_body` the body.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar, cast

from annotated_types import Ge, Le, Len
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema

from contract import body, cbor, cose, keys
from contract.errors import Malformed, TooLarge, UnsupportedVersion

VERSION = 1
HEADER_BYTES_MAX = 4096
NO_ENTRY = bytes(32)  # `prev` of the first entry of an epoch

AGENT_TYPES = ("manifest", "segment", "batch", "event", "quantity", "manual", "void", "rotation")
GATEWAY_TYPES = (
    "manifest", "enrolment", "site", "factor", "quantity", "manual", "late_batch", "amendment", "run", "review",
    "acknowledgement", "rotation", "anchor",
)  # fmt: skip

RECORD = ConfigDict(frozen=True, strict=True, extra="allow", ser_json_bytes="hex")

Item = TypeVar("Item")


class _OneFault:
    """Marks a list that is refused at its first wrong item: a hundred thousand faults would fill the memory."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return cast("CoreSchema", {**handler(source), "fail_fast": True})


Hash = Annotated[bytes, Len(32, 32)]
Nonce = Annotated[bytes, Len(16, 16)]
Name = Annotated[str, Len(1, 64)]
Count = Annotated[int, Ge(0), Le(2**63 - 1)]
Integer = Annotated[int, Ge(-(2**63)), Le(2**63 - 1)]
Listed = Annotated[list[Item], _OneFault()]


class Clock(BaseModel):
    """What was known of the author's clock when it sealed the entry. None means: not known."""

    model_config = RECORD
    synchronised: bool | None
    error_ns: Count | None
    boot: Nonce | None
    monotonic_ns: Count | None


class TreeHead(BaseModel):
    """A ledger's size and root."""

    model_config = RECORD
    size: Count
    root: Hash


class Header(BaseModel):
    """What is signed. Unknown members of later minor versions are kept and written back unchanged."""

    model_config = RECORD
    v: Literal[1]
    type: Name
    author: Name
    epoch: Nonce
    seq: Count
    prev: Hash
    from_ns: Integer
    to_ns: Integer
    sealed_ns: Integer
    clock: Clock
    checkpoint: TreeHead | None
    parts: Count
    body_root: Hash


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry as it travels and as it is kept: verbatim bytes, and the hash that names it."""

    signed: bytes
    body: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """An entry's header taken apart but not yet believed."""

    container: cose.Signed
    header: Header

    def hash(self, site: str) -> bytes:
        """The entry's name at this site."""
        return self.container.digest("entry", site)


def seal(header: Header, parts: list[bytes], seed: bytes, key: keys.PrivateKey, site: str) -> Sealed:
    """Sign `header` over `parts`; its `parts` and `body_root` are filled in here.

    `seed` is 32 random bytes used for this entry alone.
    """
    packed = body.pack(seed, parts)
    complete = header.model_copy(update={"parts": len(parts), "body_root": body.unpack(packed).root()})
    payload = cbor.encode(complete.model_dump())
    if len(payload) > HEADER_BYTES_MAX:
        raise TooLarge(f"header: {len(payload)} bytes; at most {HEADER_BYTES_MAX}")
    signed = cose.sign(payload, key, "entry", site)
    return Sealed(signed, packed, cose.parse(signed).digest("entry", site))


def read(signed: bytes) -> Read:
    """Take a signed header apart. Raises TooLarge, Malformed or UnsupportedVersion."""
    if len(signed) > HEADER_BYTES_MAX + 256:
        raise TooLarge(f"header: {len(signed)} bytes; at most {HEADER_BYTES_MAX + 256} with its signature")
    container = cose.parse(signed)
    return Read(container, parse_header(container.payload))


def parse_header(payload: bytes) -> Header:
    """Read the signed payload. Raises Malformed or UnsupportedVersion."""
    fields = cbor.decode(payload)
    if not isinstance(fields, dict):
        raise Malformed("header: must be a map")
    if type(fields.get("v")) is not int or fields["v"] != VERSION:
        raise UnsupportedVersion(f"header: version {fields.get('v')!r:.40}; this software speaks {VERSION}")
    try:
        header = Header.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise Malformed(f"header: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if header.from_ns > header.to_ns:
        raise Malformed("header: from_ns is after to_ns")
    if (header.seq == 0) != (header.prev == NO_ENTRY):
        raise Malformed("header: prev must be zero bytes at seq 0 and only there")
    if header.seq == 0 and header.type != "manifest":
        raise Malformed(f"header: an epoch begins with a manifest, not with {header.type!r}")
    return header


def check_body(header: Header, data: bytes) -> body.Body:
    """Read a body and return it. Raises Malformed unless it is the one this header signs."""
    unpacked = body.unpack(data)
    if len(unpacked.leaves) != header.parts or unpacked.root() != header.body_root:
        raise Malformed("body: is not the one the header signs")
    return unpacked
