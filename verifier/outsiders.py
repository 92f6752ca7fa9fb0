"""Outsiders the reader trusts: witnesses by name and key, time-stamp authorities by certificate; keys lie in files.

In: tables of a trust file, and a function that reads a file it names. Out: keys and certificates. Opens no file itself.
"""

from collections.abc import Callable
from typing import Annotated, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo

from contract import cosignature, keys

OUTSIDER = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

ReadFile = Callable[[str], bytes]


def _read(given: object, info: ValidationInfo) -> bytes:
    read: Any = info.context
    if not isinstance(given, str) or read is None:
        raise ValueError("name a file")
    try:
        return bytes(read(given))
    except OSError as error:
        raise ValueError(f"{error.strerror}: name a file that can be read") from None


def _key(given: object, info: ValidationInfo) -> Ed25519PublicKey:
    key = keys.public_from_pem(_read(given, info))
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("no Ed25519 key: a witness signs with one")  # noqa: TRY004 - a file's fault
    return key


def _certificates(given: object, info: ValidationInfo) -> tuple[x509.Certificate, ...]:
    data = _read(given, info)
    try:
        from contract import timestamp  # noqa: F401, PLC0415 - without authorities its library is not needed
    except ModuleNotFoundError:
        raise ValueError("time stamps need rfc3161-client: pip install 'metertrail[gateway]'") from None
    return tuple(x509.load_pem_x509_certificates(data))


class TrustedWitness(BaseModel):
    """Who co-signs checkpoints, and the file of the public key (PEM)."""

    model_config = OUTSIDER
    name: Annotated[str, AfterValidator(cosignature.check_name)]
    key: Annotated[Ed25519PublicKey, BeforeValidator(_key)]


class TrustedAuthority(BaseModel):
    """A time-stamp authority: the file of its certificate, or of the root above it (PEM)."""

    model_config = OUTSIDER
    name: str
    certificate: Annotated[tuple[x509.Certificate, ...], BeforeValidator(_certificates)]
