"""Whether a witness may co-sign: the checkpoint is the ledger's, and begins with what the witness saw last.

In: a request (C2SP tlog-witness), the ledger's key and what was seen. Out: what is seen now, or `Refused` with the
status that the protocol gives each reason. Never: a signature, a clock, a file.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contract import checkpoint, merkle
from contract.errors import BadSignature, Inadmissible
from contract.proof_text import Growth

BAD_REQUEST, FORBIDDEN, UNKNOWN, CONFLICT, UNPROVEN = 400, 403, 404, 409, 422


@dataclass(frozen=True, slots=True)
class Seen:
    """The last tree of a ledger that this witness co-signed."""

    size: int
    root: bytes


class Refused(ValueError):
    """No co-signature; one line that says why. `status` is the protocol's."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def judge(asked: Growth, key: Ed25519PublicKey, seen: Seen | None) -> Seen:
    """What is seen once this is co-signed. Raises Refused."""
    try:
        point = checkpoint.verify(asked.note, key)
    except BadSignature as error:
        raise Refused(FORBIDDEN, str(error)) from None
    except Inadmissible as error:
        raise Refused(BAD_REQUEST, str(error)) from None
    known = seen or Seen(0, merkle.root([]))
    if asked.old_size > point.size:
        raise Refused(BAD_REQUEST, f"the old size {asked.old_size} is above the checkpoint's {point.size}")
    if point.size < known.size:
        raise Refused(CONFLICT, f"{point.size} entries, but {known.size} were seen: the ledger shrank, or this is old")
    if asked.old_size != known.size:
        raise Refused(
            CONFLICT,
            f"the proof begins at {asked.old_size} entries, but {known.size} were seen last: ask --since {known.size}",
        )
    if point.size == known.size and point.root != known.root:
        raise Refused(
            CONFLICT, f"another ledger of {point.size} entries was seen: it was rewritten, or shown in two forms"
        )
    proven = (
        not asked.proof
        if not known.size
        else merkle.consistent(known.size, known.root, point.size, point.root, asked.proof)
    )
    if not proven:
        raise Refused(
            UNPROVEN, f"does not begin with the {known.size} entries that were seen: forked, or a wrong proof"
        )
    return Seen(point.size, point.root)
