"""What the ledger holds of a batch that its agent did not tell: the line as it was declared then, and its readings.

In: a ledger, a line, a window. Out: `Evidence`, from the agent's own entries alone. Raises ValueError where no manifest
of the agent declares the line. Never: a reading from another instrument or place than the window's, but of the one
before an exchange whose hand-over readings were noted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from agent.aggregation import replay
from agent.aggregation.batch_record import AROUND_NS, Counters, Place, Run, around, places
from agent.aggregation.replay import Counter, Earlier, Readings
from contract import body, records, segment
from contract.errors import Malformed
from contract.lineage import Lineage
from contract.records import LinePart
from contract.segment import MeterSegment
from gateway import lineages
from gateway.ledger import LedgerEntry
from gateway.metered import on_trunk
from gateway.trust import shown_parts

ALL_TIME = -(2**63), 2**63 - 1


class Log(Protocol):
    """What is needed of a ledger."""

    def select(
        self, types: tuple[str, ...], from_ns: int, to_ns: int, author: str | None = None
    ) -> Iterator[LedgerEntry]:
        """Entries of these types that speak of any time in [from_ns, to_ns], in order."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The line, the manifest entry's hash that declares it, its counters, and each one's readings around the window."""

    line: LinePart
    manifest: bytes
    counters: Counters
    known: Mapping[Place, Readings]


@dataclass(frozen=True, slots=True)
class _Stated:
    """A manifest in its place in the ledger."""

    entry: LedgerEntry
    counters: Counters
    lines: Mapping[str, LinePart]


def gather(log: Log, agent: str, line: str, run: Run, size: int) -> Evidence:
    """The evidence in the ledger's first `size` entries. Raises ValueError, one line."""
    known_of = lineages.lineages(log, size, agent)
    stated = _manifests(log, agent, size, known_of)
    by_then = [number for number, one in enumerate(stated) if one.entry.from_ns <= run.end.latest_ns]
    if not by_then:
        raise ValueError(f"line: nothing of {agent} is in the ledger from that time")
    chosen = stated[by_then[-1]]
    if line not in chosen.lines:
        others = ", ".join(sorted(chosen.lines)) or "none"
        raise ValueError(f"line: {agent} declared no line {line!r} then: it declared {others}")
    part = chosen.lines[line]
    if not part.energy:
        raise ValueError(f"line: {line} had no meter then: without one a batch has no energy")
    if lost := sorted(place for place in places(part) if place not in chosen.counters):
        raise ValueError(f"line: {lost[0][0]}/{lost[0][1]} was no counter then")
    counters = {place: chosen.counters[place] for place in places(part)}
    alike = {place: _alike(stated, by_then[-1], place) for place in counters}
    found = _segments(log, agent, stated, run, known_of, size)
    known = {}
    for place, counter in counters.items():
        read = replay.readings(counter, (made for n, made in found if n in alike[place]))
        before = _before(stated, by_then[-1], place)
        if before is not None:
            old, numbers = before
            earlier = Earlier(old, replay.readings(old, (made for n, made in found if n in numbers)))
            read = replace(read, earlier=earlier)
        known[place] = around(read, run)
    return Evidence(part, chosen.entry.hash, counters, known)


def has_passed(log: Log, agent: str, run: Run, size: int) -> bool:
    """Whether the agent has sealed readings so long after the batch that none that it may rest on is still to come."""
    later = log.select(("segment",), run.end.latest_ns + AROUND_NS, ALL_TIME[1], agent)
    return any(entry.index < size for entry in later)


def _manifests(log: Log, agent: str, size: int, known: Mapping[str, Lineage]) -> list[_Stated]:
    once: dict[tuple[bytes, ...], tuple[Counters, Mapping[str, LinePart]]] = {}  # a restart states the same again
    found = []
    told = (entry for entry in log.select(("manifest",), *ALL_TIME, agent) if entry.index < size)
    for entry in on_trunk(told, known):
        parts = tuple(shown_parts(body.unpack(entry.body)))[1:]
        if parts not in once:
            once[parts] = _read(parts)
        found.append(_Stated(entry, *once[parts]))
    return found


def _read(parts: Sequence[bytes]) -> tuple[Counters, Mapping[str, LinePart]]:
    """A manifest's counters and lines; none of one that cannot be read, which the verifier names."""
    try:
        lines = [records.read(part, LinePart) for part in parts if records.kind_of(part) == "line"]
        return replay.counters(parts), {line.line: line for line in lines}
    except (ValueError, ArithmeticError, LookupError):
        return {}, {}


def _alike(stated: Sequence[_Stated], chosen: int, place: Place) -> frozenset[int]:
    """The manifests around the chosen one, without one between that has the counter elsewhere, that describe it so."""
    counter = stated[chosen].counters[place]
    found = set()
    for numbers in (range(chosen, -1, -1), range(chosen, len(stated))):
        for number in numbers:
            described = stated[number].counters.get(place)
            if not replay.counts_on(counter, described):
                break
            if described == counter:
                found.add(number)
    return frozenset(found)


def _before(stated: Sequence[_Stated], chosen: int, place: Place) -> tuple[Counter, frozenset[int]] | None:
    """The counter of the instrument before the chosen manifest's, and the manifests that describe it."""
    counter, described = stated[chosen].counters[place], [one.counters.get(place) for one in stated[: chosen + 1]]
    while described and replay.counts_on(counter, described[-1]):
        described.pop()
    return replay.earlier(counter, described)


def _segments(
    log: Log, agent: str, stated: Sequence[_Stated], run: Run, known: Mapping[str, Lineage], size: int
) -> list[tuple[int, MeterSegment]]:
    """Every segment around the window with the number of the manifest in force for it."""
    numbers = {(one.entry.epoch, one.entry.seq): number for number, one in enumerate(stated)}
    window = run.start.earliest_ns - AROUND_NS, run.end.latest_ns + AROUND_NS
    read = (entry for entry in log.select(("segment",), *window, agent) if entry.index < size)
    found = []
    for entry in on_trunk(read, known):
        number = max(number for (epoch, seq), number in numbers.items() if epoch == entry.epoch and seq < entry.seq)
        found += [(number, made) for made in _decoded(entry)]
    return found


def _decoded(entry: LedgerEntry) -> list[MeterSegment]:
    """An entry's segments; none if one cannot be read, which the verifier names."""
    try:
        return [segment.decode(part) for part in shown_parts(body.unpack(entry.body))]
    except Malformed:
        return []
