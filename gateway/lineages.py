"""The lineages of a ledger's agents, as its first entries tell them: which entries count, and in which order.

In: a ledger as it is read. Out: one `Lineage` per agent (contract/lineage.py), the same that the verifier finds. Never:
a body that is neither a manifest's nor an acknowledgement's.
"""

from collections.abc import Iterator
from typing import Protocol

from contract import body, lineage, records
from contract.acknowledgement_records import AcknowledgementPart
from contract.chain import Head, Lost
from contract.errors import Malformed
from contract.lineage import Begun, Keeps, Lineage, Odd
from contract.void_records import voids_of
from gateway.ledger import LedgerEntry
from gateway.trust import GATEWAY, Place, parent_of, shown_parts

ALL_TIME = -(2**63), 2**63 - 1
NO_END = 2**63  # of a ledger


class Log(Protocol):
    """What is needed of a ledger."""

    def select(
        self, types: tuple[str, ...], from_ns: int, to_ns: int, author: str | None = None
    ) -> Iterator[LedgerEntry]:
        """Entries of these types that speak of any time in [from_ns, to_ns], in order."""


class Held(Log, Protocol):
    """What is needed of one that can look up single entries."""

    def hash_at(self, place: Place) -> bytes | None:
        """The hash of the entry in a place, or None."""

    def last_seq(self, author: str, epoch: bytes) -> int:
        """The number of an epoch's last entry here; -1 if there is none."""


def odd(log: Held, agent: str) -> list[Odd]:
    """What is odd about an agent's epochs, as they are now."""
    begun = _begun(log, NO_END, agent).get(agent, [])
    lost: dict[bytes, list[Lost]] = {}
    for entry in log.select(("void",), *ALL_TIME, agent):
        for part in voids_of(shown_parts(body.unpack(entry.body)), entry.epoch, entry.seq):
            lost.setdefault(part.epoch, []).append(Lost(part.first, part.last, part.last_hash))
    return list(
        lineage.odd(
            begun,
            lambda epoch, seq: log.hash_at((agent, epoch, seq)),
            lambda epoch: log.last_seq(agent, epoch),
            lost,
        )
    )


def words(log: Log) -> dict[tuple[str, bytes], AcknowledgementPart]:
    """The last word about each epoch that somebody answers for."""
    said = {}
    for _, part in _said(log):
        said[part.entry.author, part.entry.epoch] = part
    return said


def lineages(log: Log, size: int, agent: str | None = None) -> dict[str, Lineage]:
    """Every agent's, or one's, as of this size of the ledger."""
    keeps = _keeps(log, size)
    return {author: lineage.read(begun, keeps.get(author, {})) for author, begun in _begun(log, size, agent).items()}


def _begun(log: Log, size: int, agent: str | None) -> dict[str, list[Begun]]:
    """How each agent's epochs began."""
    found: dict[str, dict[bytes, Begun]] = {}
    for entry in log.select(("manifest",), *ALL_TIME, agent):
        mine = found.setdefault(entry.author, {})
        if entry.author != GATEWAY and entry.index < size and entry.epoch not in mine:
            mine[entry.epoch] = Begun(entry.epoch, entry.hash, _parent(entry), entry.index, entry.seq)
    return {author: list(mine.values()) for author, mine in found.items() if author != GATEWAY}


def _parent(entry: LedgerEntry) -> Head | None:
    if entry.seq:
        return lineage.UNKNOWN
    try:
        return parent_of(shown_parts(body.unpack(entry.body)))
    except Malformed:
        return lineage.UNKNOWN


def _keeps(log: Log, size: int) -> dict[str, dict[bytes, Keeps]]:
    """What was said last of each odd epoch."""
    found: dict[str, dict[bytes, Keeps]] = {}
    for entry, part in _said(log):
        if entry.index < size:
            found.setdefault(part.entry.author, {})[part.entry.epoch] = part.keeps
    return found


def _said(log: Log) -> Iterator[tuple[LedgerEntry, AcknowledgementPart]]:
    """Every word about an epoch, in order; other words of the gateway's are no business of a lineage."""
    for entry in log.select(("acknowledgement",), *ALL_TIME, GATEWAY):
        for part in shown_parts(body.unpack(entry.body)):
            if records.kind_of(part) == "acknowledgement":
                said = records.read(part, AcknowledgementPart)
                if said.entry.seq == 0:
                    yield entry, said
