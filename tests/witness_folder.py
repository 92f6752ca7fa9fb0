"""A witness's files in a folder: its key, the ledger's public key, and a configuration."""

from pathlib import Path

import witnesses
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contract import keys


def witness_toml(folder: Path, ledger_key: Ed25519PublicKey, origin: str = "metertrail/works") -> Path:
    """Write them; the configuration's path."""
    (folder / "w1.pem").write_bytes(keys.private_to_pem(witnesses.KEY))
    (folder / "w1.pem").chmod(0o600)
    (folder / "ledger.pub.pem").write_bytes(keys.public_to_pem(ledger_key))
    path = folder / "witness.toml"
    path.write_text(
        f'name = "{witnesses.NAME}"\nkey = "w1.pem"\nmemory = "seen.json"\nport = 0\n'
        f'[[ledger]]\norigin = "{origin}"\nkey = "ledger.pub.pem"\n'
    )
    return path
