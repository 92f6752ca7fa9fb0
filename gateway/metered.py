"""What a ledger's counters counted over any window: from the segments in it and the manifests in force for them.

In: a ledger as it is read, meters, and the time whose readings count. Out: a `Find` for metering.py. Never: a reading
taken while the counter was described otherwise, or from before it may have counted elsewhere, but those of the
instrument before an exchange whose hand-over readings were noted; a reading off its agent's trunk.
"""

from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Protocol

from agent.aggregation import replay
from agent.aggregation.replay import Counter, Readings
from contract import body, segment
from contract.errors import Malformed
from contract.lineage import Lineage
from contract.problems import suggest
from contract.segment import MeterSegment
from gateway import lineages
from gateway.ledger import LedgerEntry
from gateway.metering import Find
from gateway.trust import GATEWAY
from gateway.virtual import Place

ALL_TIME = (-(2**63), 2**63 - 1)

HINT_MAX = 300  # a plant has more counters than fit a line

Counters = Mapping[tuple[str, str], Counter]


class Log(Protocol):
    """What is needed of a ledger."""

    @property
    def size(self) -> int:
        """How many entries it holds."""

    def entries(self, first: int = 0, last: int | None = None) -> Iterator[LedgerEntry]:
        """Entries by index, both ends included."""

    def select(
        self, types: tuple[str, ...], from_ns: int, to_ns: int, author: str | None = None
    ) -> Iterator[LedgerEntry]:
        """Entries of these types that speak of any time in [from_ns, to_ns], in order."""

    def latest_checkpoint(self) -> str | None:
        """The last signed note."""

    def receipts(self) -> Mapping[str, bytes]:
        """The last receipt of every agent."""


@dataclass(frozen=True, slots=True)
class Read:
    """Each meter's segments with the number of the manifest in force for it; each author's manifests in order.

    `numbers` are the manifests' by their entries' hashes.
    """

    segments: dict[tuple[str, str], list[tuple[int, MeterSegment]]]
    manifests: dict[str, list[Counters]]
    numbers: dict[bytes, int] = field(default_factory=dict)


def read(log: Log, meters: set[tuple[str, str]], from_ns: int, to_ns: int, size: int) -> Read:
    """Every segment of these meters, (agent, meter), that speaks of [from_ns, to_ns], and the counters in force.

    Of those on their agent's trunk, in the order of its chain.
    """
    agents = {agent for agent, _ in meters}
    known = {agent: of for agent, of in lineages.lineages(log, size).items() if agent in agents}
    alike: dict[tuple[bytes, ...], Counters] = {}  # a restart states the same again
    found = Read({meter: [] for meter in meters}, {agent: [] for agent in agents})
    in_force: dict[tuple[str, bytes], list[tuple[int, int]]] = {}  # seqs and numbers
    for entry in on_trunk(of_kind(log, "manifest", size), known):
        parts = tuple(parts_of(entry)[1:])
        if parts not in alike:
            alike[parts] = replay.counters(parts)
        number = len(found.manifests[entry.author])
        in_force.setdefault((entry.author, entry.epoch), []).append((entry.seq, number))
        found.numbers[entry.hash] = number
        found.manifests[entry.author].append(alike[parts])
    placed: dict[tuple[str, str], list[tuple[tuple[int, int], int, MeterSegment]]] = {meter: [] for meter in meters}
    for entry in log.select(("segment",), from_ns, to_ns):
        place = known[entry.author].place(entry.epoch, entry.seq) if entry.author in known else None
        if entry.index >= size or place is None:
            continue
        stated = in_force[entry.author, entry.epoch]
        number = stated[bisect(stated, (entry.seq, -1)) - 1][1]
        for part in segments_of(entry):
            if (entry.author, part.meter) in placed:
                placed[entry.author, part.meter].append((place, number, part))
    for meter, those in placed.items():
        found.segments[meter] += [(number, part) for _, number, part in sorted(those, key=lambda one: one[0])]
    return found


def on_trunk(entries: Iterable[LedgerEntry], known: Mapping[str, Lineage]) -> list[LedgerEntry]:
    """The entries of these agents that are on their trunks, each agent's in the order of its chain."""
    found = []
    for entry in entries:
        place = known[entry.author].place(entry.epoch, entry.seq) if entry.author in known else None
        if place is not None:
            found.append((place, entry))
    return [entry for _, entry in sorted(found, key=lambda one: one[0])]


def check(known: Read, path: str, places: Iterable[Place]) -> None:
    """Raise ValueError, one line, for a counter that no manifest ever described."""
    for agent, meter, point in places:
        told = {f"{m}/{p}" for counters in known.manifests.get(agent, []) for m, p in counters}
        if f"{meter}/{point}" not in told:
            hint = suggest(f"{meter}/{point}", told)[:HINT_MAX] if told else "start its agent first"
            raise ValueError(f"{path}: {agent} has no counter {meter}/{point}: {hint}")


def finding(known: Read) -> Find:
    """A counter as its meter was last described, and its readings since.

    Readings from before a time in which it may have counted elsewhere are left out, as the verifier does.
    """

    @cache
    def find(agent: str, meter: str, point: str) -> tuple[Counter, Readings] | None:
        mine = known.segments[agent, meter]
        return described(known, agent, mine[-1][0], (meter, point)) if mine else None

    return find


def described(known: Read, agent: str, number: int, place: tuple[str, str]) -> tuple[Counter, Readings] | None:
    """A counter as that manifest describes it, and its readings under manifests around it that do alike.

    None between them lets it count elsewhere; so the verifier chooses, too. With them stand those of the instrument
    before, where hand-over readings were noted.
    """
    told = known.manifests[agent]
    counter = told[number].get(place)
    if counter is None:
        return None
    elsewhere = [n for n, one in enumerate(told) if not replay.counts_on(counter, one.get(place))]
    after = max((n for n in elsewhere if n < number), default=-1)
    before = min((n for n in elsewhere if n > number), default=len(told))
    mine = known.segments.get((agent, place[0]), ())
    alike = (part for n, part in mine if after < n < before and told[n].get(place) == counter)
    readings = replay.readings(counter, alike)
    exchanged = replay.earlier(counter, [one.get(place) for one in told[: after + 1]])
    if exchanged is not None:
        old, numbers = exchanged
        earlier = replay.Earlier(old, replay.readings(old, (part for n, part in mine if n in numbers)))
        readings = replace(readings, earlier=earlier)
    return counter, readings


def of_kind(log: Log, kind: str, size: int) -> Iterator[LedgerEntry]:
    """Entries of a type that state something, whenever they were written, before this size of the ledger."""
    author = None if kind == "manifest" else GATEWAY
    return (entry for entry in log.select((kind,), *ALL_TIME, author) if entry.index < size)


def parts_of(entry: LedgerEntry) -> list[bytes]:
    """An entry's shown parts."""
    return [part for part in body.unpack(entry.body).parts if part is not None]


def segments_of(entry: LedgerEntry) -> list[MeterSegment]:
    """An entry's segments; none if one cannot be read, which the verifier names."""
    try:
        return [segment.decode(part) for part in parts_of(entry)]
    except Malformed:
        return []
