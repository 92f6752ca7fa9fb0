"""The one signed container: COSE_Sign1 (RFC 9052), tagged, in deterministic form, with an empty unprotected map.

In: payload bytes, a key, what the signature is for (kind) and where (site). Out: bytes, and back again.
The kind and the site are under the signature as external data, so an entry can never pass for a receipt, nor one
site's evidence for another's. Any second way of writing the same container is malformed.
"""

import hashlib
from dataclasses import dataclass

from contract import cbor, keys
from contract.errors import BadSignature, Malformed

TAG_SIGN1 = 0xD2  # tag 18 in one byte
KINDS = ("entry", "receipt", "checkpoint", "dossier", "sheet", "rotation")


@dataclass(frozen=True, slots=True)
class Signed:
    """A container taken apart but not yet believed: `verify` decides."""

    protected: bytes
    algorithm: int
    key_id: bytes
    payload: bytes
    signature: bytes

    def to_be_signed(self, kind: str, site: str) -> bytes:
        """The Sig_structure of RFC 9052, section 4.4."""
        return cbor.encode(["Signature1", self.protected, external_aad(kind, site), self.payload])

    def digest(self, kind: str, site: str) -> bytes:
        """SHA-256 of the Sig_structure: the container's name, the same for every signature over the same words."""
        return hashlib.sha256(self.to_be_signed(kind, site)).digest()


def external_aad(kind: str, site: str) -> bytes:
    """What a signature is for, as the bytes it covers beside the payload."""
    if kind not in KINDS:
        raise ValueError(f"no such kind of signature: {kind}")
    return f"metertrail/v1/{kind}/{site}".encode()


def sign(payload: bytes, key: keys.PrivateKey, kind: str, site: str) -> bytes:
    """Sign a payload and return the container."""
    algorithm, key_id = keys.algorithm_of(key), keys.thumbprint(key.public_key())
    protected = cbor.encode({1: algorithm, 4: key_id})
    unsigned = Signed(protected, algorithm, key_id, payload, b"")
    signature = keys.sign(key, unsigned.to_be_signed(kind, site))
    return bytes([TAG_SIGN1]) + cbor.encode([protected, {}, payload, signature])


def parse(data: bytes) -> Signed:
    """Take a container apart. Raises Malformed for anything but the one form."""
    if not data or data[0] != TAG_SIGN1:
        raise Malformed("COSE: not a COSE_Sign1 with tag 18")
    match cbor.decode(data[1:]):
        case [bytes(protected), dict(unprotected), bytes(payload), bytes(signature)] if not unprotected:
            pass
        case _:
            raise Malformed("COSE: must be [protected, {}, payload, signature]")
    match cbor.decode(protected):
        case {1: int(algorithm), 4: bytes(key_id), **rest} if not rest and len(key_id) == 32:
            return Signed(protected, algorithm, key_id, payload, signature)
        case _:
            raise Malformed("COSE: protected header must be {1: algorithm, 4: 32-byte key thumbprint}")


def verify(signed: Signed, key: keys.PublicKey, kind: str, site: str) -> bytes:
    """Return the container's digest. Raises BadSignature unless `key` signed it for this kind and site."""
    if signed.algorithm != keys.algorithm_of(key):
        raise BadSignature(f"signature: algorithm {signed.algorithm} is not the one this key was enrolled with")
    if signed.key_id != keys.thumbprint(key):
        raise BadSignature("signature: names another key")
    message = signed.to_be_signed(kind, site)
    keys.verify(key, signed.signature, message)
    return hashlib.sha256(message).digest()
