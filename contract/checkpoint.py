"""A checkpoint: the ledger's size and root as signed text (C2SP tlog-checkpoint in a signed note).

In: origin, size, root, the ledger's Ed25519 key. Out: text anyone can keep outside the database, and back again.
    origin / size / base64(root) / blank / "— origin base64(key hash + signature)"
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contract import keys
from contract.errors import BadSignature, Malformed, TooLarge
from contract.topics import NAME

CHECKPOINT_BYTES_MAX = 1 << 14
PREFIX = "metertrail"
NUMBER = re.compile("[2-9]|[1-9][0-9]{1,8}")
SIZE = re.compile("0|[1-9][0-9]{0,17}")
ED25519_NOTE = b"\x01"  # C2SP signed-note, signature type Ed25519


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log at one moment."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The signed words."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def origin(site: str, number: int = 1) -> str:
    """The name of a site's ledger; `number` counts those that each replaced the one before it, from 1."""
    return f"{PREFIX}/{site}" if number == 1 else f"{PREFIX}/{site}/{number}"


def read_origin(text: str) -> tuple[str, int]:
    """The site and the number in a ledger's name. Raises Malformed."""
    match text.split("/"):
        case [prefix, site] if prefix == PREFIX and NAME.fullmatch(site):
            return site, 1
        case [prefix, site, number] if prefix == PREFIX and NAME.fullmatch(site) and NUMBER.fullmatch(number):
            return site, int(number)
        case _:
            raise Malformed(f"checkpoint: origin {text[:80]!r} is not {PREFIX}/SITE or {PREFIX}/SITE/NUMBER")


def key_hash(name: str, key: Ed25519PublicKey, kind: bytes = ED25519_NOTE) -> bytes:
    """Four bytes that tell a note's keys and kinds of signature apart (C2SP signed-note)."""
    return hashlib.sha256(name.encode() + b"\n" + kind + key.public_bytes_raw()).digest()[:4]


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """Write a signed note with one signature, named after the origin."""
    text = checkpoint.text()
    mark = key_hash(checkpoint.origin, key.public_key()) + key.sign(text.encode())
    return f"{text}\n— {checkpoint.origin} {base64.b64encode(mark).decode()}\n"


def parse(note: str) -> Checkpoint:
    """Read the words of a note without checking who signed them. Raises TooLarge or Malformed."""
    if len(note) > CHECKPOINT_BYTES_MAX:
        raise TooLarge(f"checkpoint: {len(note)} characters; at most {CHECKPOINT_BYTES_MAX}")
    text, _, _ = note.partition("\n\n")
    match text.split("\n"):
        case [origin, size, encoded] if origin and origin.isprintable() and SIZE.fullmatch(size):
            root = unbase64(encoded)
            if len(root) != 32:
                raise Malformed("checkpoint: the root must have 32 bytes")
            return Checkpoint(origin, int(size), root)
        case _:
            raise Malformed("checkpoint: must be origin, size and root, a line each")


def verify(note: str, key: Ed25519PublicKey) -> Checkpoint:
    """Read a note. Raises BadSignature unless `key` signed it under the origin's name."""
    checkpoint = parse(note)
    known = key_hash(checkpoint.origin, key)
    for mark in list(marks(note, checkpoint.origin)):
        if mark[:4] == known:
            keys.verify(key, mark[4:], checkpoint.text().encode())
            return checkpoint
    raise BadSignature("checkpoint: not signed by the ledger's key")


def marks(note: str, name: str) -> Iterator[bytes]:
    """Key hash and signature of each line signed under this name. Raises Malformed at what is no signature line."""
    _, _, signatures = note.partition("\n\n")
    *lines, rest = signatures.split("\n")
    if rest:
        raise Malformed("checkpoint: its last line has no end")
    for line in lines:
        match line.split(" "):
            case ["—", signer, encoded] if signer and encoded:
                mark = unbase64(encoded)
                if signer == name:
                    yield mark
            case _:
                raise Malformed("checkpoint: below its words stand signature lines and nothing else")


def unbase64(text: str) -> bytes:
    """Base64 in its one form. Raises Malformed."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("checkpoint: not base64") from None
    if base64.b64encode(data).decode() != text:  # two spare bits would give one hash several spellings
        raise Malformed("checkpoint: base64 not in its one form")
    return data
