"""Key files: private ones readable by their owner alone.

In: paths. Out: keys. Raises ValueError with one line that says which file, what is wrong and what to do.
"""

import os
import stat
from pathlib import Path

from contract import keys


def load_private(path: Path) -> keys.PrivateKey:
    """Read a signing key from a file that nobody but its owner may read."""
    data = _read(path, "make one with `metertrail keygen`")
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ValueError(f"{path}: others can read this private key: run `chmod 600 {path}`")
    try:
        return keys.private_from_pem(data)
    except ValueError as error:
        raise ValueError(f"{path}: {error}: make one with `metertrail keygen`") from None


def load_public(path: Path) -> keys.PublicKey:
    """Read a public key."""
    data = _read(path, "copy the other side's .pub.pem file here")
    try:
        return keys.public_from_pem(data)
    except ValueError as error:
        raise ValueError(f"{path}: {error}: copy the other side's .pub.pem file here") from None


def create(path: Path, algorithm: int) -> bytes:
    """Make `PATH.pem` and `PATH.pub.pem` and return the thumbprint. An existing key is never overwritten."""
    private, public = path.with_name(path.name + ".pem"), path.with_name(path.name + ".pub.pem")
    key = keys.generate(algorithm)
    try:
        with os.fdopen(os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(keys.private_to_pem(key))
    except FileExistsError:
        raise ValueError(f"{private}: exists already: a key is never overwritten, choose another name") from None
    except OSError as error:
        raise ValueError(f"{private}: cannot be written: {error.strerror}") from None
    public.write_bytes(keys.public_to_pem(key.public_key()))
    return keys.thumbprint(key.public_key())


def _read(path: Path, hint: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}: {hint}") from None
