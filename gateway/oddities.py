"""What is odd in agents' chains, for people: rollbacks, clones, gaps, forks and what was declared lost.

In: a ledger, open to be read. Out: oddities, the newest first, each with who answers for it. Never: writes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from contract import body
from contract.receipt import Refusal
from contract.void_records import voids_of
from gateway import lineages
from gateway.acknowledgement import EPOCH_DIGITS
from gateway.lineages import ALL_TIME
from gateway.trust import shown_parts

ODD_MAX = 50

Name = Literal["rollback", "clone", "gap", "fork", "void"]


class Looked(lineages.Held, Protocol):
    """What is asked of a ledger here."""

    @property
    def size(self) -> int:
        """How many entries it holds."""

    def refusals(self) -> list[tuple[str, Refusal]]:
        """Every refusal of an author's own signed words, oldest first."""


@dataclass(frozen=True, slots=True)
class Oddity:
    """`entry` names it as AUTHOR/EPOCH/SEQ; of a `void` and a `fork` the first entry concerned.

    `author` answers for it, for `reason`; None where nobody does. Nobody need answer for a `void` or a refused entry.
    """

    agent: str
    name: Name
    entry: str
    text: str
    at_ns: int | None
    author: str | None = None
    reason: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody must still answer for it."""
        return self.author is None and self.at_ns is not None and self.name != "void"


def oddities(ledger: Looked) -> tuple[Oddity, ...]:
    """Look at a ledger. It reads a database: call it from a worker thread."""
    found = [*_forks(ledger)]
    for agent in sorted(lineages.lineages(ledger, ledger.size)):
        found += [*_of_epochs(ledger, agent), *_voids(ledger, agent)]
    return tuple(sorted(found, key=lambda one: one.at_ns or 0, reverse=True)[:ODD_MAX])


def against(ledger: Looked, from_ns: int, to_ns: int) -> Iterator[str]:
    """Why an archive of this period will not verify, as far as chains tell, a line each."""
    for one in oddities(ledger):
        if one.is_open:
            yield f"{one.entry}: {one.name}: {one.text}: no archive verifies until it is acknowledged"
    for agent in sorted(lineages.lineages(ledger, ledger.size)):
        for entry in ledger.select(("void",), *ALL_TIME, agent):
            for part in voids_of(shown_parts(body.unpack(entry.body)), entry.epoch, entry.seq):
                lacks = any(ledger.hash_at((agent, part.epoch, seq)) is None for seq in (part.first, part.last))
                if lacks and part.from_ns < to_ns and part.to_ns >= from_ns:
                    name = f"{_named(agent, part.epoch, part.first)} to {part.last}"
                    yield f"{name}: lost for good ({part.cause}): the archive will not verify for this period"


def _of_epochs(ledger: Looked, agent: str) -> Iterator[Oddity]:
    odd = {one.begun.index: one for one in lineages.odd(ledger, agent)}
    said = lineages.words(ledger) if odd else {}
    for entry in ledger.select(("manifest",), *ALL_TIME, agent) if odd else ():
        one = odd.get(entry.index)
        if one is not None:
            word = said.get((agent, entry.epoch))
            who = (None, None) if word is None else (word.author, word.reason)
            yield Oddity(agent, one.name, _named(agent, entry.epoch, entry.seq), one.text, entry.admitted_ns, *who)


def _voids(ledger: Looked, agent: str) -> Iterator[Oddity]:
    for entry in ledger.select(("void",), *ALL_TIME, agent):
        for part in voids_of(shown_parts(body.unpack(entry.body)), entry.epoch, entry.seq):
            text = f"to {part.last} ({part.cause}{f', {part.detail}' if part.detail else ''})"
            yield Oddity(agent, "void", _named(agent, part.epoch, part.first), text, entry.admitted_ns)


def _forks(ledger: Looked) -> Iterator[Oddity]:
    """Entries refused because another stands in their place; the epoch after them is what somebody answers for."""
    for author, refusal in ledger.refusals():
        if refusal.verdict == "fork":
            yield Oddity(author, "fork", _named(author, refusal.epoch, refusal.seq), refusal.reason, None)


def _named(agent: str, epoch: bytes, seq: int) -> str:
    return f"{agent}/{epoch.hex()[:EPOCH_DIGITS]}/{seq}"
