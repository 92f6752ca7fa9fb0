"""Key and password files: private ones readable by their owner alone.

In: paths. Out: keys. Raises ValueError with one line that says which file, what is wrong and what to do.
"""

import os
import ssl
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from agent import config
from contract import keys
from contract.problems import Problems

Secret = TypeVar("Secret")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Everything an agent keeps in files of its own; `tls` is None where the connection is not encrypted."""

    key: keys.PrivateKey
    gateway_key: keys.PublicKey
    password: str
    tls: ssl.SSLContext | None


def load(checked: config.Config) -> Credentials:
    """Read every file the configuration names. Raises Problems with all that cannot be used."""
    problems: list[str] = []
    agent, mqtt = checked.agent, checked.mqtt

    def used(key: str, read: Callable[[], Secret]) -> Secret | None:
        try:
            return read()
        except ValueError as error:
            problems.append(f"{key}: {error}")
            return None

    key = used("agent.key", lambda: load_private(agent.key))
    gateway_key = used("agent.gateway_key", lambda: load_public(agent.gateway_key))
    password = used("mqtt.password_file", lambda: load_password(mqtt.password_file))
    tls = used("mqtt.ca_file", lambda: load_authority(mqtt.ca_file)) if mqtt.tls else None
    if key is None or gateway_key is None or password is None or problems:
        raise Problems(problems)
    return Credentials(key, gateway_key, password, tls)


def load_private(path: Path) -> keys.PrivateKey:
    """Read a signing key from a file that nobody but its owner may read."""
    data = _read(path, "make one with `metertrail keygen`")
    _check_private(path, "private key")
    try:
        return keys.private_from_pem(data)
    except ValueError:
        hint = "make one with `metertrail keygen`"
        raise ValueError(f"{path}: not an Ed25519 or P-256 private key without a passphrase: {hint}") from None


def load_public(path: Path) -> keys.PublicKey:
    """Read a public key."""
    data = _read(path, "copy the other side's .pub.pem file here")
    try:
        return keys.public_from_pem(data)
    except ValueError:
        hint = "copy the other side's .pub.pem file here"
        raise ValueError(f"{path}: not an Ed25519 or P-256 public key: {hint}") from None


def load_password(path: Path) -> str:
    """The first line of a password file that nobody but its owner may read."""
    data = _read(path, "write the broker's password into it")
    _check_private(path, "password")
    try:
        return data.decode().splitlines()[0]
    except (UnicodeDecodeError, IndexError):
        raise ValueError(f"{path}: empty or not UTF-8: write the broker's password on its first line") from None


def load_authority(path: Path | None) -> ssl.SSLContext:
    """What to trust a broker by: the certificate authority in a file, or without one the system's."""
    try:
        return ssl.create_default_context(cafile=None if path is None else str(path))
    except OSError as error:  # ssl.SSLError is one
        raise ValueError(f"{path}: {error.strerror or error}: give the broker's CA certificate as PEM") from None


def create(path: Path, algorithm: int) -> bytes:
    """Make `PATH.pem` and `PATH.pub.pem` and return the thumbprint. An existing key is never overwritten."""
    private, public = path.with_name(path.name + ".pem"), path.with_name(path.name + ".pub.pem")
    key = keys.generate(algorithm)
    try:
        with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(keys.private_to_pem(key))
        public.write_bytes(keys.public_to_pem(key.public_key()))
    except FileExistsError:
        raise ValueError(f"{private}: exists already: a key is never overwritten, choose another name") from None
    except OSError as error:
        raise ValueError(f"{error.filename}: cannot be written: {error.strerror}: choose another place") from None
    return keys.thumbprint(key.public_key())


def _read(path: Path, hint: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}: {hint}") from None


def _check_private(path: Path, what: str) -> None:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ValueError(f"{path}: others can read this {what}: run `chmod 600 {path}`")
