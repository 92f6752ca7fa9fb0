"""A witness's co-signature on a checkpoint (C2SP tlog-cosignature, Ed25519): that it saw this tree, and when.

In: a note, the witness's name and Ed25519 key, seconds since 1970. Out: a line to stand below the note's others, and
from a note back to the time. What is signed says of the time that nothing larger of this log had been seen by then.
    "cosignature/v1" / "time SECONDS" / the note's three lines
"""

from base64 import b64encode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contract import checkpoint, keys
from contract.errors import Malformed, TooLarge

COSIGNATURE = b"\x04"  # C2SP signed-note, signature type timestamped Ed25519
NAME_CHARACTERS_MAX = 200
SECONDS_MAX = 2**63 - 1
HEAD_BYTES = 4 + 8  # key hash, then the time


def check_name(name: str) -> str:
    """Return a witness's name. Raises ValueError unless it can stand in a note's line."""
    if not (0 < len(name) <= NAME_CHARACTERS_MAX and name.isprintable()) or " " in name or "+" in name:
        raise ValueError(f"{name[:60]!r}: write a name without spaces and '+', such as auditor.example/w1")
    return name


def sign(note: str, name: str, key: Ed25519PrivateKey, at_s: int) -> str:
    """The line, with its line feed. Raises Malformed for a note that cannot be read."""
    words = message(checkpoint.parse(note), at_s)
    mark = checkpoint.key_hash(name, key.public_key(), COSIGNATURE) + at_s.to_bytes(8, "big") + key.sign(words)
    return f"— {check_name(name)} {b64encode(mark).decode()}\n"


def message(told: checkpoint.Checkpoint, at_s: int) -> bytes:
    """What is signed."""
    return f"cosignature/v1\ntime {at_s}\n{told.text()}".encode()


def times_s(note: str, name: str, key: Ed25519PublicKey) -> list[int]:
    """When this witness co-signed the note, in order; empty if it did not.

    Raises Malformed, or BadSignature if a line bears the name and hash of its key but not its signature.
    """
    told, known = checkpoint.parse(note), checkpoint.key_hash(name, key, COSIGNATURE)
    times = []
    for mark in checkpoint.marks(note, name):
        if mark[:4] != known:
            continue
        at_s = int.from_bytes(mark[4:HEAD_BYTES], "big")
        if at_s > SECONDS_MAX:
            raise Malformed("co-signature: a time beyond 2^63 - 1 s")
        keys.verify(key, mark[HEAD_BYTES:], message(told, at_s))
        times.append(at_s)
    return sorted(times)


def with_lines(note: str, lines: str) -> str:
    """The note with more signature lines below its own. Raises TooLarge or Malformed."""
    added = note + lines
    if len(added) > checkpoint.CHECKPOINT_BYTES_MAX:
        raise TooLarge(f"checkpoint: {len(added)} characters; at most {checkpoint.CHECKPOINT_BYTES_MAX}")
    if not note.endswith("\n") or not all(line.startswith("— ") for line in lines.splitlines()):
        raise Malformed("co-signature: must be lines that begin with an em dash, below a whole note")
    return added
