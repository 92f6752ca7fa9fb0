"""The ledger's entries taken apart once, for all checks to look at.

In: an `Archive`, or entries alone. Out: a `Trail` of those that could be read, and a finding for each that could not.
A part shown here is one its header's root proves; whether the header is its author's word is for the checks to say.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import BaseModel

from contract import entry, merkle, records
from contract.errors import Inadmissible
from verifier.archive import Archive, Kept
from verifier.finding import Finding

GATEWAY = "gateway"  # the gateway's name as an author
NAMED_MAX = 3  # entries named in one finding

Record = TypeVar("Record", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Item:
    """One entry: its place in the ledger, its header, its name, and its parts (None if the body is withheld).

    `rank` is its place among its author's entries, where those were not admitted in the order of their chain.
    """

    index: int
    signed: bytes
    container: entry.Read
    hash: bytes
    parts: tuple[bytes | None, ...] | None
    rank: int | None = None

    @property
    def order(self) -> int:
        """What tells which of two entries of one author comes first in its chain."""
        return self.index if self.rank is None else self.rank

    @property
    def header(self) -> entry.Header:
        """The signed words."""
        return self.container.header

    @property
    def where(self) -> str:
        """How findings name this entry: author, beginning of the epoch, seq, type."""
        return f"{self.header.author} {self.header.epoch.hex()[:8]}/{self.header.seq} ({self.header.type})"

    def shown(self) -> list[bytes]:
        """The parts that are shown."""
        return [part for part in self.parts or () if part is not None]

    def whole(self) -> list[bytes] | None:
        """All parts, or None if any is withheld."""
        return self.shown() if self.parts is not None and None not in self.parts else None


class Entries(Protocol):
    """Entries in order, whatever vouches for them."""

    @property
    def items(self) -> tuple[Item, ...]:
        """All of them."""

    def of(self, *types: str, author: str | None = None) -> Iterator[Item]:
        """Entries of these types; without `author`, the agents' (who are everyone but the gateway)."""


@dataclass(frozen=True, slots=True)
class Alone:
    """Entries without a ledger around them, as an agent's journal holds its own."""

    items: tuple[Item, ...]

    def of(self, *types: str, author: str | None = None) -> Iterator[Item]:
        """Entries of these types in order."""
        yield from _of(self.items, types, author)


@dataclass(frozen=True, slots=True)
class Trail:
    """An archive and its readable entries in ledger order."""

    archive: Archive
    items: tuple[Item, ...]

    def of(self, *types: str, author: str | None = None) -> Iterator[Item]:
        """Entries of these types in ledger order; without `author`, the agents' (who are everyone but the gateway)."""
        yield from _of(self.items, types, author)

    def states(self, sizes: Collection[int]) -> dict[int, bytes]:
        """The ledger's roots at these sizes, as far as the archive goes."""
        frontier, roots = merkle.Frontier(), {0: merkle.root([])}
        for kept in self.archive.entries if sizes else ():
            frontier.append(merkle.leaf_hash(kept.signed))
            if frontier.size in sizes:
                roots[frontier.size] = frontier.root()
        return roots


def _of(items: Iterable[Item], types: tuple[str, ...], author: str | None) -> Iterator[Item]:
    for item in items:
        ours = item.header.author != GATEWAY if author is None else item.header.author == author
        if ours and item.header.type in types:
            yield item


def read(archive: Archive) -> tuple[Trail, list[Finding]]:
    """Take every entry of an archive apart."""
    items, findings = taken_apart(archive.entries, archive.site)
    return Trail(archive, items), findings


def taken_apart(entries: Iterable[Kept], site: str) -> tuple[tuple[Item, ...], list[Finding]]:
    """Take entries apart: encoding, version, and the body its header signs."""
    items, findings = [], []
    shown = 0
    for kept in entries:
        try:
            container = entry.read(kept.signed)
        except Inadmissible as error:
            findings.append(Finding("entry", ok=False, text=f"{kept.index}: {error}"))
            continue
        item = Item(kept.index, kept.signed, container, container.hash(site), None)
        if kept.body is not None:
            try:
                parts = entry.check_body(item.header, kept.body).parts
            except Inadmissible as error:
                findings.append(Finding("body", ok=False, text=f"{item.index} {item.where}: {error}"))
            else:
                item = Item(kept.index, kept.signed, container, item.hash, parts)
                shown += 1
        items.append(item)
    if not findings:
        text = f"{len(items)} entries read, {shown} with their bodies, all as signed"
        findings.append(Finding("entries", ok=True, text=text))
    return tuple(items), findings


def records_of(item: Item, kind: type[Record], name: str) -> list[Record]:
    """The shown parts of an entry that call themselves `name`, read as `kind`. Raises Malformed."""
    return [records.read(part, kind) for part in item.shown() if records.kind_of(part) == name]


def withheld(entries: Entries, *types: str) -> str:
    """Which of the gateway's entries are not shown, as the end of a sentence on what is lacking; empty if all are."""
    names = [f"{item.index} {item.where}" for item in entries.of(*types, author=GATEWAY) if item.whole() is None]
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return f"; withheld: {', '.join(names[:NAMED_MAX])}{more}" if names else ""
