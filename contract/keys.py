"""Signing keys: Ed25519 or ECDSA P-256, their COSE names, thumbprints and PEM forms.

A key is known by its thumbprint (RFC 9679): the SHA-256 of its deterministic COSE_Key. This file never touches a disk.
"""

import hashlib
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from contract import cbor
from contract.errors import BadSignature, Malformed

PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey


class Unavailable(Exception):
    """A private key that is elsewhere does not sign just now."""


class Signer(Protocol):
    """A private key wherever it lies, as in a token. `sign` gives 64 bytes: of Ed25519, or r and s of P-256.

    It may raise Unavailable.
    """

    def public_key(self) -> PublicKey: ...  # noqa: D102 - as the library's own keys

    def sign(self, data: bytes, /) -> bytes: ...  # noqa: D102 - as the library's own Ed25519 key


FileKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey  # one that can be written down
PrivateKey = FileKey | Signer

EDDSA, ES256 = -8, -7  # COSE algorithm numbers, RFC 9053
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SP 800-186, curve P-256


def generate(algorithm: int = EDDSA) -> FileKey:
    """Make a new private key for EDDSA or ES256."""
    return ed25519.Ed25519PrivateKey.generate() if algorithm == EDDSA else ec.generate_private_key(ec.SECP256R1())


def algorithm_of(key: PrivateKey | PublicKey) -> int:
    """The COSE algorithm a key signs with."""
    public = key if isinstance(key, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey) else key.public_key()
    return EDDSA if isinstance(public, ed25519.Ed25519PublicKey) else ES256


def cose_key(key: PublicKey) -> bytes:
    """The deterministic COSE_Key (RFC 9052) with only the members a thumbprint covers."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return cbor.encode({1: 1, -1: 6, -2: key.public_bytes_raw()})
    point = key.public_numbers()
    return cbor.encode({1: 2, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})


def from_cose_key(data: bytes) -> PublicKey:
    """Read a COSE_Key (RFC 9053, section 7). Raises Malformed for anything but the one form of a usable key."""
    key: PublicKey | None = None
    try:
        match cbor.decode(data):
            case {1: 1, -1: 6, -2: bytes(raw)}:
                key = ed25519.Ed25519PublicKey.from_public_bytes(raw)
            case {1: 2, -1: 1, -2: bytes(x), -3: bytes(y)}:
                point = int.from_bytes(x, "big"), int.from_bytes(y, "big")
                key = ec.EllipticCurvePublicNumbers(*point, ec.SECP256R1()).public_key()
    except ValueError as error:  # Malformed is one
        raise Malformed(f"key: {error}") from None
    if key is None or cose_key(key) != data:
        raise Malformed("key: must be the COSE_Key of an Ed25519 or P-256 key, in its one form")
    return key


def thumbprint(key: PublicKey) -> bytes:
    """The 32 bytes a key is known by (RFC 9679)."""
    return hashlib.sha256(cose_key(key)).digest()


def sign(key: PrivateKey, message: bytes) -> bytes:
    """Sign, 64 bytes. An ES256 signature has the lower of its two possible s values, so that it has one form."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    else:
        signature = key.sign(message)
        if algorithm_of(key) == EDDSA:
            return signature
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    return r.to_bytes(32, "big") + min(s, P256_ORDER - s).to_bytes(32, "big")


def verify(key: PublicKey, signature: bytes, message: bytes) -> None:
    """Raise BadSignature unless this key signed exactly this message and the signature is in its one form."""
    if len(signature) != 64:
        raise BadSignature(f"signature: {len(signature)} bytes where 64 are due")
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
            return
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if s > P256_ORDER // 2:
            raise BadSignature("signature: ES256 with the higher s")
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise BadSignature("signature: does not match the key and the signed bytes") from None


def private_to_pem(key: FileKey) -> bytes:
    """PKCS#8 PEM, unencrypted: the caller keeps it in a file only its owner can read."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_to_pem(key: PublicKey) -> bytes:
    """SubjectPublicKeyInfo PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def private_from_pem(data: bytes) -> FileKey:
    """Read a private key. Raises ValueError for anything but Ed25519 or P-256."""
    try:
        key = serialization.load_pem_private_key(data, None)
    except (TypeError, UnsupportedAlgorithm):  # encrypted, or of a kind the library does not know
        key = None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise ValueError("neither an Ed25519 nor a P-256 private key without a passphrase")


def public_from_pem(data: bytes) -> PublicKey:
    """Read a public key. Raises ValueError for anything but Ed25519 or P-256."""
    try:
        key = serialization.load_pem_public_key(data)
    except UnsupportedAlgorithm:
        key = None
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise ValueError("neither an Ed25519 nor a P-256 public key")
