"""The ledger at a glance: how much it holds, its last checkpoint, and when each agent last had a receipt.

In: a ledger, open to be read. Out: a frozen record. Never: writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from contract import cbor, checkpoint, cose
from contract.errors import Inadmissible


class ReadableLedger(Protocol):
    """What is asked of a ledger here."""

    @property
    def size(self) -> int:
        """How many entries it holds."""

    def latest_checkpoint(self) -> str | None:
        """The last signed note."""

    def receipts(self) -> dict[str, bytes]:
        """The last receipt of every author."""


@dataclass(frozen=True, slots=True)
class Glance:
    """`root` in hex and `note` are None before the first entry; `receipts_ns` says when each receipt was made."""

    size: int
    root: str | None
    note: str | None
    receipts_ns: Mapping[str, int]


def glance(ledger: ReadableLedger) -> Glance:
    """Look at a ledger. It reads a database: call it from a worker thread."""
    note = ledger.latest_checkpoint()
    root = None if note is None else checkpoint.parse(note).root.hex()
    times = {author: _made_ns(signed) for author, signed in ledger.receipts().items()}
    return Glance(ledger.size, root, note, {author: at_ns for author, at_ns in times.items() if at_ns is not None})


def _made_ns(signed: bytes) -> int | None:
    """A receipt's own time; the gateway made it, so its signature is not checked again."""
    try:
        fields = cbor.decode(cose.parse(signed).payload)
    except Inadmissible:
        return None
    at_ns = fields.get("at_ns") if isinstance(fields, dict) else None
    return at_ns if isinstance(at_ns, int) else None
