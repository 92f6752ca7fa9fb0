"""Reading back from the journal what memory does not hold: readings that edges rest on, and batches recorded already.

In: the journal, counters. Out: columns of readings. Only readings count that were taken while the counter was described
as it is now - instrument, installation, ratio, profile and all - and since it last may have counted elsewhere, and
those of the instrument before an exchange whose hand-over readings are stated; which is also how a verifier chooses.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.aggregation import replay
from agent.aggregation.replay import NOTHING, Counter, Earlier, Readings, joined, readings
from agent.closing import Counters, Place
from agent.journal import Journal, Stored
from agent.known import Known
from agent.rows import Lines
from contract import body, cbor, records, segment
from contract.errors import Malformed

RESTS_ON = 2  # readings answered by an edge; what is older does not matter to it


@dataclass(slots=True)
class _Instrument:
    """A counter as some manifests, by number, describe it, and its readings, the newest first, as far as needed."""

    counter: Counter
    numbers: Collection[int]
    at_ns: int
    chunks: list[Readings] = field(default_factory=list)
    by_then: int = 0

    @property
    def is_done(self) -> bool:
        """Whether older readings do not matter."""
        return self.by_then >= RESTS_ON

    def take(self, number: int, made: segment.MeterSegment) -> None:
        """Take an older segment, sealed under this manifest."""
        if number in self.numbers and not self.is_done:
            read = readings(self.counter, [made])
            self.chunks.append(read)
            self.by_then += int((read.answered_ns <= self.at_ns).sum())

    def readings(self) -> Readings:
        """All of them in order."""
        return joined([NOTHING, *reversed(self.chunks)])


def restore(journal: Journal, known: Known, places: Collection[Place], at_ns: int) -> None:
    """Let `known` hold, of these counters, everything sealed that an edge at `at_ns` or later can rest on."""
    missing = {place for place in places if not known.reaches(place, at_ns)}
    if not missing:
        return
    manifests = _manifests(journal)
    found = {place: list(_instruments(manifests, known.counters[place], at_ns)) for place in missing}
    for number, made in _segments(journal, manifests, found):
        for place, instruments in found.items():
            if place[0] == made.meter:
                for one in instruments:
                    one.take(number, made)
        if all(one.is_done for instruments in found.values() for one in instruments):
            break
    for place, (here, *before) in found.items():
        column = here.readings()
        if before:
            column = replace(column, earlier=Earlier(before[0].counter, before[0].readings()))
        whole_before = not any(one.is_done for one in before)
        known.replace(place, column, whole=not here.is_done, whole_before=whole_before)


def unrecorded(journal: Journal, lines: Lines) -> Lines:
    """The lines without those ended batches whose record is sealed: a crash came before the state could say so."""
    if not lines.closing:
        return lines
    recorded = set()
    for stored in journal.since(min(ended.running.start.earliest_ns for _, ended in lines.closing), "batch"):
        batch = records.read(open_parts(stored)[0], records.BatchPart)
        recorded.add((batch.line, batch.batch, batch.start.earliest_ns))
    closing = [
        (line, ended)
        for line, ended in lines.closing
        if (line, ended.running.batch, ended.running.start.earliest_ns) not in recorded
    ]
    return replace(lines, closing=closing)


def open_parts(stored: Stored) -> list[bytes]:
    """An entry's parts: nothing in the agent's own journal is withheld."""
    return [part for part in body.unpack(stored.sealed.body).parts if part is not None]


@dataclass(frozen=True, slots=True)
class _Stated:
    """A manifest's place in its chain and its counters; None of an older version: nothing it says is used."""

    epoch: bytes
    seq: int
    counters: Counters | None


def _manifests(journal: Journal) -> list[_Stated]:
    """All of them, in the order they were sealed."""
    told: dict[tuple[bytes, ...], Counters | None] = {}  # a restart states the same again
    found = []
    for manifest in journal.since(0, "manifest"):
        parts = tuple(open_parts(manifest)[1:])
        if parts not in told:
            try:
                told[parts] = replay.counters(parts)
            except Malformed:
                told[parts] = None
        found.append(_Stated(manifest.epoch, manifest.seq, told[parts]))
    return found


def _instruments(manifests: Sequence[_Stated], counter: Counter, at_ns: int) -> Iterator[_Instrument]:
    """Whose readings an edge at `at_ns` can rest on: the instrument that is here, and the one before an exchange."""
    place = counter.meter, counter.point
    told = [(number, one.counters.get(place)) for number, one in enumerate(manifests) if one.counters is not None]
    since = len(told)
    while since and replay.counts_on(counter, told[since - 1][1]):
        since -= 1
    yield _Instrument(counter, {number for number, one in told[since:] if one == counter}, at_ns)
    over, before = counter.handover, replay.earlier(counter, [one for _, one in told[:since]])
    if over is not None and before is not None:
        if at_ns >= over.last_ns:  # only that there is one matters
            yield _Instrument(before[0], (), at_ns, by_then=RESTS_ON)
        else:
            yield _Instrument(before[0], {told[at][0] for at in before[1]}, at_ns)


def _segments(
    journal: Journal, manifests: Sequence[_Stated], found: Mapping[Place, Sequence[_Instrument]]
) -> Iterator[tuple[int, segment.MeterSegment]]:
    """Segments of these meters, sealed under a manifest that counts, with its number; the newest first."""
    stated: dict[bytes, list[tuple[int, int]]] = {}
    for number, one in enumerate(manifests):
        stated.setdefault(one.epoch, []).append((one.seq, number))
    counts = {number for instruments in found.values() for one in instruments for number in one.numbers}
    # a segment is a map whose first member is its meter: others need not be taken apart
    beginnings = tuple(b"\xa3" + cbor.encode("meter") + cbor.encode(meter) for meter, _ in found)
    for stored in journal.backwards("segment"):
        in_force = [number for seq, number in stated.get(stored.epoch, ()) if seq < stored.seq]
        if in_force and in_force[-1] in counts:
            for part in open_parts(stored):
                if part.startswith(beginnings):
                    yield in_force[-1], segment.decode(part)
