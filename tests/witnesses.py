"""Outsiders for tests: a witness with a key of its own, trust files that name it, and anchors sealed into a factory."""

from pathlib import Path

from archive_maker import GATEWAY, Factory
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contract import checkpoint, cosignature, keys, records
from contract.anchor_records import AnchorPart
from verifier import trust
from verifier.trust import Trust

NAME = "auditor.example/w1"
KEY = Ed25519PrivateKey.from_private_bytes(bytes([7] * 32))
S = 1_000_000_000
TRUSTING = f'[[witness]]\nname = "{NAME}"\nkey = "w1.pub.pem"\n'


def cosigned(note: str, at_s: int, key: Ed25519PrivateKey = KEY, name: str = NAME) -> str:
    """The note with this witness's line below it."""
    return cosignature.with_lines(note, cosignature.sign(note, name, key, at_s))


def sealed(made: Factory, note: str, at_ns: int, token: bytes | None = None) -> int:
    """Seal what an outsider gave into the ledger; the entry's index."""
    part = AnchorPart(source="outsider", note=note, token=token)
    made.add(GATEWAY, "anchor", [records.write(part)], at_ns, at_ns)
    return len(made.ledger) - 1


def size(note: str) -> int:
    return checkpoint.parse(note).size


def trust_toml(made: Factory, *, authority: bool = False) -> bytes:
    """A trust file that also names the witness, and perhaps an authority."""
    stamps = '[[timestamp_authority]]\nname = "authority"\ncertificate = "root.pem"\n' if authority else ""
    return made.trust() + f"\n{TRUSTING}{stamps}".encode()


def trusting(made: Factory, root: bytes | None = None) -> Trust:
    """The same, read."""
    files = {"w1.pub.pem": keys.public_to_pem(KEY.public_key()), "root.pem": root}
    return trust.parse(trust_toml(made, authority=root is not None), files.__getitem__)


def trust_file(made: Factory, folder: Path) -> Path:
    """The same as files in a folder."""
    folder.mkdir(exist_ok=True)
    (folder / "w1.pub.pem").write_bytes(keys.public_to_pem(KEY.public_key()))
    path = folder / "trust.toml"
    path.write_bytes(trust_toml(made))
    return path
