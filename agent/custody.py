"""Key and password files: private ones readable by their owner alone.

In: paths. Out: keys. Raises ValueError with one line that says which file, what is wrong and what to do.
"""

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from agent import config, tls, token
from agent.private_file import read, read_private
from contract import keys
from contract.problems import Problems

Secret = TypeVar("Secret")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Everything an agent keeps in files of its own; `tls` is None where the connection is not encrypted."""

    key: keys.PrivateKey
    gateway_keys: tuple[keys.PublicKey, ...]
    password: str | None
    tls: ssl.SSLContext | None
    next_key: keys.PrivateKey | None = None


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

    key = used("agent.key" if agent.token is None else "agent.token", lambda: signing_key(agent))
    next_key = used("agent.next_key" if agent.next_token is None else "agent.next_token", lambda: following_key(agent))
    gateway_keys = used("agent.gateway_key", lambda: tuple(load_public(path) for path in agent.gateway_key))
    secret = mqtt.password_file
    password = None if secret is None else used("mqtt.password_file", lambda: load_password(secret))
    encrypted = used("mqtt.ca_file", lambda: tls.authority(mqtt.ca_file)) if mqtt.tls else None
    if encrypted is not None:
        used("mqtt.cert_file", lambda: tls.show(mqtt, encrypted))
    if key is None or gateway_keys is None or problems:
        raise Problems(problems)
    return Credentials(key, gateway_keys, password, encrypted, next_key)


def signing_key(agent: config.Agent) -> keys.PrivateKey:
    """The agent's own key, from its file or in its token. Raises ValueError."""
    if agent.token is not None:
        return token.open_key(agent.token)
    if agent.key is None:
        raise ValueError("missing: make one with `metertrail keygen`")
    return load_private(agent.key)


def following_key(agent: config.Agent) -> keys.PrivateKey | None:
    """The key that takes over, if there is to be one. Raises ValueError."""
    if agent.next_token is not None:
        return token.open_key(agent.next_token)
    return None if agent.next_key is None else load_private(agent.next_key)


def load_private(path: Path) -> keys.FileKey:
    """Read a signing key from a file that nobody but its owner may read."""
    data = read_private(path, "make one with `metertrail keygen`", "private key")
    try:
        return keys.private_from_pem(data)
    except ValueError:
        hint = "make one with `metertrail keygen`"
        raise ValueError(f"{path}: not an Ed25519 or P-256 private key without a passphrase: {hint}") from None


def load_public(path: Path) -> keys.PublicKey:
    """Read a public key."""
    data = read(path, "copy the other side's .pub.pem file here")
    try:
        return keys.public_from_pem(data)
    except ValueError:
        hint = "copy the other side's .pub.pem file here"
        raise ValueError(f"{path}: not an Ed25519 or P-256 public key: {hint}") from None


def load_password(path: Path) -> str:
    """The first line of a password file that nobody but its owner may read."""
    data = read_private(path, "write the broker's password into it", "password")
    try:
        return data.decode().splitlines()[0]
    except (UnicodeDecodeError, IndexError):
        raise ValueError(f"{path}: empty or not UTF-8: write the broker's password on its first line") from None


def create(path: Path, algorithm: int) -> bytes:
    """Make `PATH.pem` and `PATH.pub.pem` and return the thumbprint. An existing key is never overwritten."""
    private, public = path.with_name(path.name + ".pem"), path.with_name(path.name + ".pub.pem")
    key = keys.generate(algorithm)
    _require_no(public)
    try:
        with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(keys.private_to_pem(key))
        public.write_bytes(keys.public_to_pem(key.public_key()))
    except FileExistsError:
        raise ValueError(f"{private}: exists already: a key is never overwritten, choose another name") from None
    except OSError as error:
        raise ValueError(f"{error.filename}: cannot be written: {error.strerror}: choose another place") from None
    return keys.thumbprint(key.public_key())


def _require_no(public: Path) -> None:
    """A public key's file may be the one that an agent is known by, or that was handed out."""
    if public.exists():
        raise ValueError(f"{public}: exists already: a key is never overwritten, choose another name")


def hand_out(path: Path, key: keys.PublicKey) -> bytes:
    """Write `PATH.pub.pem` for a key made elsewhere and return the thumbprint. Raises ValueError."""
    public = path.with_name(path.name + ".pub.pem")
    try:
        public.write_bytes(keys.public_to_pem(key))
    except OSError as error:
        raise ValueError(f"{error.filename}: cannot be written: {error.strerror}: choose another place") from None
    return keys.thumbprint(key)
