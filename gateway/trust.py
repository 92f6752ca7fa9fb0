"""What the ledger's entries say about who may say what next: keys, heads, parents, stopped epochs.

In: admitted entries, in ledger order. Out: the state that admission decides by. The same `accept` builds it at start
and moves it on afterwards, so a restart cannot know anything else than a run without one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from contract import body, records
from contract.chain import Head, Lost, beyond_lost
from contract.errors import Malformed
from contract.keys import PublicKey
from contract.void_records import voids_of
from gateway.enrolments import Keys, take

GATEWAY = "gateway"  # the author name of the gateway's own chain; it never comes over MQTT

Place = tuple[str, bytes, int]  # author, epoch, seq


class Past(Protocol):
    """The hash of every admitted entry by its place. A dict will do; a ledger can look further back than memory."""

    def get(self, place: Place, /) -> bytes | None:
        """The hash admitted there, or None."""

    def __setitem__(self, place: Place, digest: bytes, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Admitted:
    """An entry as the ledger keeps it: verbatim bytes, and what is looked up by. `flags` name what was odd about it.

    `message` is what it came in, on its way into the ledger; None where the gateway made it itself, or has read it.
    """

    author: str
    epoch: bytes
    seq: int
    hash: bytes
    type: str
    from_ns: int
    to_ns: int
    admitted_ns: int
    flags: tuple[str, ...]
    signed: bytes
    body: bytes
    message: bytes | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class Standing:
    """One author. `epochs` is in the order of their latest admission; `children` holds every parent an epoch named.

    A parent that is not here is wanted for as long as it is missing: what is wanted follows from the ledger alone.
    `named` and `missing` have the last entry of each epoch that is such a parent, and of those the ones not here: what
    is done for a message must not grow with the epochs there were.
    `lost` has what it declared lost, by epoch; a head may be such an entry.
    `fresh` are the epochs that went on since the author's keys last changed.
    """

    keys: Keys = field(default_factory=Keys)
    latest: Head | None = None
    epochs: dict[bytes, Head] = field(default_factory=dict)
    children: dict[Head | None, None] = field(default_factory=dict)
    named: dict[bytes, int] = field(default_factory=dict)
    missing: dict[bytes, int] = field(default_factory=dict)
    stopped: set[bytes] = field(default_factory=set)
    lost: dict[bytes, tuple[Lost, ...]] = field(default_factory=dict)
    fresh: set[bytes] = field(default_factory=set)

    def reach(self, epoch: bytes, head: Head | None) -> None:
        """Let an epoch stand at its head, or beyond what is declared lost after it."""
        known = self.epochs.pop(epoch, None)
        if head is None or (known is not None and head.seq < known.seq):
            head = known  # of a range declared lost: its entries may turn up all the same
        beyond = beyond_lost(head, epoch, self.lost.get(epoch, ()))
        if beyond is not None:
            self.epochs[epoch] = beyond
            if beyond.seq >= self.missing.get(epoch, beyond.seq + 1):
                del self.missing[epoch]

    def follow(self, parent: Head | None) -> None:
        """Let an epoch follow this entry, which may not be here."""
        self.children[parent] = None
        if parent is None:
            return
        self.named[parent.epoch] = max(parent.seq, self.named.get(parent.epoch, 0))
        known = self.epochs.get(parent.epoch)
        if known is None or known.seq < parent.seq:
            self.missing[parent.epoch] = max(parent.seq, self.missing.pop(parent.epoch, 0))

    @property
    def key(self) -> PublicKey | None:
        """The key in force."""
        return self.keys.current

    def awaits(self, epoch: bytes, seq: int) -> bool:
        """Whether the chain has named this place: at or before a parent of another epoch, or declared lost."""
        return seq <= self.named.get(epoch, -1) or any(
            lost.first <= seq <= lost.last for lost in self.lost.get(epoch, ())
        )


@dataclass(slots=True)
class Trust:
    """Every author of a site. `revoked` are those whose entries are no longer wanted, enrolled or not."""

    site: str
    past: Past = field(default_factory=dict[Place, bytes])
    standings: dict[str, Standing] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)

    def standing(self, author: str) -> Standing:
        """What is known of an author, begun if nothing was."""
        return self.standings.setdefault(author, Standing())

    def accept(self, entry: Admitted) -> None:
        """Take note of an admitted entry. Only manifests, enrolments and voids need their body.

        Raises Malformed if such a body does not say what admission made sure of: then the ledger is not what it was.
        """
        standing, head = self.standing(entry.author), Head(entry.epoch, entry.seq, entry.hash)
        if entry.seq == 0:
            standing.follow(parent_of(shown_parts(body.unpack(entry.body))))
        if entry.type == "void":
            declared: dict[bytes, list[Lost]] = {}
            for part in voids_of(shown_parts(body.unpack(entry.body)), entry.epoch, entry.seq):
                declared.setdefault(part.epoch, []).append(Lost(part.first, part.last, part.last_hash))
            for epoch, lost in declared.items():  # once an epoch, however many ranges a void has
                standing.lost[epoch] = (*standing.lost.get(epoch, ()), *lost)
                standing.reach(epoch, None)
        self.past[entry.author, entry.epoch, entry.seq] = entry.hash
        known = standing.epochs.get(entry.epoch)
        if known is None or known.seq < entry.seq:
            standing.latest = head
        standing.reach(entry.epoch, head)
        standing.fresh.add(entry.epoch)
        if entry.author == GATEWAY and entry.type == "enrolment":
            for said in shown_parts(body.unpack(entry.body)):
                author = take(lambda author: self.standing(author).keys, said)
                self.standing(author).fresh.clear()

    def rings(self) -> dict[str, Keys]:
        """Every author's keys."""
        return {author: standing.keys for author, standing in self.standings.items()}

    def stop(self, author: str, epoch: bytes) -> None:
        """Admit nothing more of an epoch: its author signed two different entries for one place."""
        self.standing(author).stopped.add(epoch)


def rebuild(site: str, entries: Iterable[Admitted], stopped: Iterable[tuple[str, bytes]], past: Past) -> Trust:
    """The state after these entries. Raises Malformed as `accept` does."""
    trust = Trust(site, past)
    for entry in entries:
        trust.accept(entry)
    for author, epoch in stopped:
        trust.stop(author, epoch)
    return trust


def shown_parts(unpacked: body.Body) -> list[bytes]:
    """The parts of a body of which nothing is withheld. Raises Malformed."""
    shown = [part for part in unpacked.parts if part is not None]
    if len(shown) != len(unpacked.parts):
        raise Malformed("body: parts are withheld")
    return shown


def parent_of(parts: list[bytes]) -> Head | None:
    """The entry that a manifest's epoch follows. Raises Malformed if its first part is not an author."""
    if not parts:
        raise Malformed("manifest: must begin with its author")
    parent = records.read(parts[0], records.Author).parent
    return None if parent is None else Head(parent.epoch, parent.seq, parent.hash)
