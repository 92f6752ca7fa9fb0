"""Certificates of an OPC UA channel: our own, made when there is none, and the server's, believed only if known.

In: files and the bytes a server sent, and the time. Out: certificates, events of what is about to end, or `Refused`,
one line that says what to do. Never: a certificate trusted because it was there first.
"""

import os
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from agent.drivers.opcua_values import moment_of
from contract.records import EventPart

DAYS_OWN = 3650
SOON = timedelta(days=30)
KEY_BITS = 2048  # the least that all three policies take (OPC 10000-7)


class Refused(Exception):
    """A certificate must not be used. The message is one line that says which, why, and what to do."""


def own(certificate: Path, key: Path, uri: str, now_ns: int) -> EventPart | None:
    """Make our certificate and key if neither file exists; the event says so. Raises Refused, OSError."""
    if certificate.exists() and key.exists():
        return None
    for there, gone in ((certificate, key), (key, certificate)):
        if there.exists():
            raise Refused(f"{gone}: missing beside {there}: restore it, or remove both to have new ones made")
    made, private = _pair(uri, now_ns)
    for path, data, mode in (
        (key, private, 0o600),
        (certificate, _encoded(certificate, made), 0o644),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
    detail: dict[str, object] = {"thumbprint": thumbprint(made), "until_ns": _until_ns(made)}
    return EventPart(event="certificate_made", about=str(certificate)[-1000:], at_ns=now_ns, detail=detail)


def _encoded(path: Path, certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER if path.suffix == ".der" else Encoding.PEM)


def _pair(uri: str, now_ns: int) -> tuple[x509.Certificate, bytes]:
    key = generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    host, now = socket.gethostname(), moment_of(now_ns)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"MeterTrail agent on {host}"[:64])])
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=True, data_encipherment=True,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri), x509.DNSName(host)])
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    built = built.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=DAYS_OWN))
    for extension, critical in (
        (names, False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (usage, True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
    ):
        built = built.add_extension(extension, critical)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return built.sign(key, SHA256()), private


def read(path: Path) -> x509.Certificate:
    """A certificate's file. Raises Refused, OSError."""
    found = _parsed(path.read_bytes())
    if found is None:
        raise Refused(f"{path}: not a certificate: give a .der or .pem file")
    return found


def _parsed(data: bytes) -> x509.Certificate | None:
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(data)
        return x509.load_der_x509_certificate(data)
    except ValueError:
        return None


def check(whose: str, certificate: x509.Certificate, now_ns: int) -> EventPart | None:
    """The event of a certificate that ends within 30 days. Raises Refused if it has ended.

    One that has not begun passes: what is behind is our clock, after a start without a battery, and readings go on.
    """
    now, until = moment_of(now_ns), certificate.not_valid_after_utc
    if until < now:
        raise Refused(f"{whose} certificate expired on {until:%Y-%m-%d}: replace it")
    if until - now > SOON:
        return None
    detail: dict[str, object] = {"thumbprint": thumbprint(certificate), "until_ns": _until_ns(certificate)}
    return EventPart(event="certificate_expires", about=whose, at_ns=now_ns, detail=detail)


def server(data: bytes, trusted: Path, now_ns: int) -> x509.Certificate:
    """The certificate a server sent, if it or its issuer lies in the folder.

    Otherwise it is put into the folder's `rejected`, where someone can look at it. Raises Refused, OSError.
    """
    try:
        certificate = x509.load_der_x509_certificate(_first(data))
    except ValueError:
        raise Refused("the server sent no certificate that can be read: check its security settings") from None
    for known in _folder(trusted):
        if known == certificate or _issued(certificate, known, now_ns):
            return certificate
    rejected = trusted / "rejected" / f"{thumbprint(certificate)}.der"
    if not rejected.exists():
        rejected.parent.mkdir(parents=True, exist_ok=True)
        rejected.write_bytes(certificate.public_bytes(Encoding.DER))
    raise Refused(f"the server's certificate is not trusted: if it is the right one, move {rejected} to {trusted}")


def _first(data: bytes) -> bytes:
    """The first certificate of a chain, which servers may send in one piece (OPC 10000-6, 6.2.6)."""
    if len(data) > 4 and data[:2] == b"\x30\x82":
        return data[: 4 + int.from_bytes(data[2:4], "big")]
    return data


def _folder(trusted: Path) -> Iterator[x509.Certificate]:
    if trusted.is_dir():
        for path in sorted(trusted.iterdir()):
            if path.suffix.lower() in {".der", ".pem", ".crt", ".cer"}:
                found = _parsed(path.read_bytes())
                if found is not None:
                    yield found


def _issued(certificate: x509.Certificate, issuer: x509.Certificate, now_ns: int) -> bool:
    """Whether a trusted authority that has not ended signed it."""
    if issuer.not_valid_after_utc < moment_of(now_ns):
        return False
    try:
        if not issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        certificate.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, InvalidSignature, ValueError, TypeError):
        return False
    return True


def thumbprint(certificate: x509.Certificate) -> str:
    """SHA-1 of the certificate, as OPC UA names certificates (OPC 10000-6, 6.2.2), in hexadecimal."""
    return certificate.fingerprint(SHA1()).hex()  # noqa: S303 - a name, not a proof: trust compares whole certificates


def _until_ns(certificate: x509.Certificate) -> int:
    return int(certificate.not_valid_after_utc.timestamp()) * 1_000_000_000
