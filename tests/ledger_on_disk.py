"""A ledger on disk with a factory's entries in it, and a seal that adds the gateway's own."""

from collections.abc import Sequence
from pathlib import Path

import archive_maker as maker
from archive_maker import GATEWAY, SITE, Factory

from contract import entry
from contract.cose import parse
from gateway.ledger import Ledger
from gateway.trust import Admitted


class Kept:
    """`ledger` is open to be written; `made` holds the same entries."""

    def __init__(self, folder: Path, made: Factory) -> None:
        self.made = made
        self.ledger = Ledger.open(f"sqlite:///{folder / 'ledger.db'}", SITE, made.ledger_key)
        self.append()

    def append(self) -> None:
        """Bring the ledger up to the factory."""
        new = self.made.ledger[self.ledger.size :]
        self.ledger.append([admitted(signed, packed) for signed, packed in new], maker.TO_NS)

    def seal(self, kind: str, parts: Sequence[bytes]) -> None:
        """As a sequencer seals."""
        self.made.add(GATEWAY, kind, list(parts), maker.TO_NS, maker.TO_NS)
        self.append()


def admitted(signed: bytes, packed: bytes) -> Admitted:
    header = entry.read(signed).header
    digest = parse(signed).digest("entry", SITE)
    return Admitted(
        header.author, header.epoch, header.seq, digest, header.type, header.from_ns, header.to_ns, maker.TO_NS, (),
        signed, packed,
    )  # fmt: skip
