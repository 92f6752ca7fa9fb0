"""Whom the gateway shows its checkpoints: witnesses and time-stamp authorities, with the keys they are checked by.

In: tables of the configuration. Out: `Outsiders`, or Problems with every file's fault. Nobody is asked here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contract import keys
from contract.problems import Problems
from gateway import custody

if TYPE_CHECKING:
    from gateway.anchor import Outsider
    from gateway.config import Config

HOUR_NS = 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class Outsiders:
    """Those that can be asked over the network, and the key of every witness, asked or not."""

    asked: "tuple[Outsider, ...]" = ()
    witness_keys: Mapping[str, Ed25519PublicKey] = field(default_factory=dict)


def load(config: "Config") -> Outsiders:
    """Read the files that the tables name. Raises Problems."""
    if not config.witness and not config.timestamp:
        return Outsiders()
    from gateway.timestamp import Authority  # noqa: PLC0415 - its library is needed only with the table
    from gateway.witness import Witness  # noqa: PLC0415 - as above

    asked, known = list["Outsider"](), dict[str, Ed25519PublicKey]()
    lines = list(_twice(config))
    for witness in config.witness:
        try:
            known[witness.name] = key = _witness_key(witness.key)
        except ValueError as error:
            lines += str(error).splitlines()
            continue
        if witness.url is not None:
            asked.append(Witness(witness.name, witness.url, key, witness.every_hours * HOUR_NS))
    for table in config.timestamp:
        try:
            trusted = _certificates(table.certificate)
        except ValueError as error:
            lines += str(error).splitlines()
            continue
        asked.append(Authority(table.name, table.url, trusted, table.every_hours * HOUR_NS))
    if lines:
        raise Problems(lines)
    return Outsiders(tuple(asked), known)


def _twice(config: "Config") -> Iterator[str]:
    names = [one.name for one in config.witness] + [one.name for one in config.timestamp]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"witness.{name}.name: used twice: give each witness and authority its own name"


def _witness_key(path: Path) -> Ed25519PublicKey:
    hint = "ask the witness for its public key"
    try:
        key = keys.public_from_pem(custody.read(path, hint))
    except ValueError as error:
        raise ValueError(str(error) if str(error).startswith(str(path)) else f"{path}: {error}: {hint}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{path}: no Ed25519 key: {hint}")  # noqa: TRY004 - a file's fault
    return key


def _certificates(path: Path) -> tuple[x509.Certificate, ...]:
    hint = "give the authority's root certificate as PEM"
    data = custody.read(path, hint)
    try:
        return tuple(x509.load_pem_x509_certificates(data))
    except ValueError:
        raise ValueError(f"{path}: no certificate: {hint}") from None
