"""The certificate by which an agent or a gateway is known to a broker: whether it and its key can serve.

In: PEM bytes. Out: what is wrong, or from when to when it is valid. Pure. Times are not judged here: a machine whose
clock is wrong reads its meters all the same, and the broker refuses what has expired.
"""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def fault(certificate: bytes, key: bytes) -> str | None:
    """Why a certificate (with its chain after it, if any) and a private key cannot serve a client, or None."""
    try:
        read = x509.load_pem_x509_certificate(certificate)
    except ValueError:
        return "the certificate is not PEM: convert it, or name another"
    try:
        private = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "the key is not a private key in PEM without a passphrase: name another"
    if _spki(private.public_key()) != _spki(read.public_key()):
        return "the key is not the certificate's: name the two of one pair"
    try:
        uses = read.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return None
    if not {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(uses):
        return "the certificate is not for a client (extended key usage): have one made with clientAuth"
    return None


def validity_ns(certificate: bytes) -> tuple[int, int]:
    """From when to when a certificate is valid, ns UTC. Raises ValueError if it is none."""
    read = x509.load_pem_x509_certificate(certificate)
    first, last = (
        (at - EPOCH) // timedelta(microseconds=1) * 1000 for at in (read.not_valid_before_utc, read.not_valid_after_utc)
    )
    return first, last


def _spki(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
