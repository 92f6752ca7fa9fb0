"""Agents' entries that are kept elsewhere, admitted as if their agents had sent them again.

In: where they are kept, and the admission of an open ledger. Out: how many got which verdict. After a loss this brings
back what agents no longer hold; what is in the ledger already is a duplicate, as from any agent. The gateway's own
entries stay where they are: its chain goes on from what was left of it.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from contract import entry
from contract.errors import Inadmissible
from contract.topics import NAME, Topic
from gateway.ledger_rows import Source, Unreadable
from gateway.sequencer import Message, Outcome
from gateway.trust import GATEWAY

GROUP = 256
UNREAD_MAX = 3


@dataclass(frozen=True, slots=True)
class Readmitted:
    """How many entries got each verdict, and the first that could not be read."""

    verdicts: Mapping[str, int]
    unread: tuple[str, ...]


def readmit(source: Source, admit: Callable[[Sequence[Message]], Outcome], site: str) -> Readmitted:
    """Hand every agent's entry to admission, in the order of the old ledger. Raises Corrupt as admission does."""
    verdicts: Counter[str] = Counter()
    unread: list[str] = []
    sent = _sent(source, site, unread)
    while group := list(itertools.islice(sent, GROUP)):
        for (_, verdict), count in admit(group).verdicts.items():
            verdicts[verdict] += count
    return Readmitted(verdicts, tuple(unread))


def _sent(source: Source, site: str, unread: list[str]) -> Iterator[Message]:
    for row in source.rows(0, source.extent().entries):
        if isinstance(row, Unreadable):
            if len(unread) < UNREAD_MAX:
                unread.append(f"entry {row.index}: {row.reason}")
            continue
        try:
            author = entry.read(row.signed).header.author
        except Inadmissible as error:
            unread.append(f"entry {row.index}: {error}")
            continue
        if author != GATEWAY and NAME.fullmatch(author):
            yield Message(Topic(site, author, "entries"), row.message)
