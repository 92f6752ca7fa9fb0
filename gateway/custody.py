"""Keys and passwords in files: private ones readable by their owner alone.

In: paths. Out: keys and words. Raises ValueError with one line that says which file, what is wrong and what to do.
"""

import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract import keys
from contract.client_certificate import fault

MAKE_ONE = "make one with `metertrail keygen`"


def load_private(path: Path) -> keys.PrivateKey:
    """Read a signing key from a file that nobody but its owner may read."""
    data = _private(path, MAKE_ONE)
    try:
        return keys.private_from_pem(data)
    except (ValueError, TypeError) as error:  # TypeError: the key is encrypted
        raise ValueError(f"{path}: {_first_line(error)}: {MAKE_ONE}") from None


def load_ledger_key(path: Path) -> Ed25519PrivateKey:
    """Read the key that signs checkpoints: Ed25519, as signed notes need it."""
    key = load_private(path)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{path}: a P-256 key: checkpoints need an Ed25519 key: {MAKE_ONE}")  # noqa: TRY004 - a file's fault
    return key


def load_public(path: Path) -> keys.PublicKey:
    """Read a public key."""
    hint = "copy the agent's .pub.pem file here"
    try:
        return keys.public_from_pem(read(path, hint))
    except (ValueError, TypeError) as error:
        if str(error).startswith(str(path)):
            raise
        raise ValueError(f"{path}: {_first_line(error)}: {hint}") from None


def load_password(path: Path) -> str:
    """Read a password: the first line of a file that nobody but its owner may read."""
    hint = "write the password into it, on one line"
    try:
        words = _private(path, hint).decode().splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not UTF-8: {hint}") from None
    if not words or not words[0].strip():
        raise ValueError(f"{path}: empty: {hint}")
    return words[0].strip()


def client_faults(cert_file: Path | None, key_file: Path | None) -> list[str]:
    """What keeps a certificate and its key from being shown to the broker; nothing where none is named."""
    if cert_file is None or key_file is None:
        return []
    try:
        certificate = read(cert_file, "give the gateway's certificate for the broker as PEM")
        problem = fault(certificate, _private(key_file, "give the certificate's key as PEM"))
    except ValueError as error:
        return [str(error)]
    return [f"{cert_file}, {key_file}: {problem}"] if problem else []


def read(path: Path, hint: str) -> bytes:
    """Read a file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}: {hint}") from None


def _private(path: Path, hint: str) -> bytes:
    data = read(path, hint)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ValueError(f"{path}: others can read this: run `chmod 600 {path}`")
    return data


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["not a key"])[0][:120]
