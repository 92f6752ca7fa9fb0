"""Reading back from the journal what memory does not hold: readings that edges rest on, and batches recorded already.

In: the journal, counters. Out: columns of readings. Only readings count that were taken while the counter was described
as it is now - instrument, installation, ratio, profile and all - and since it last may have counted elsewhere, which is
also how a verifier chooses them.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

from agent.aggregation import replay
from agent.aggregation.replay import NOTHING, Readings, joined
from agent.closing import Place
from agent.journal import Journal, Stored
from agent.known import Known
from agent.rows import Lines
from contract import body, cbor, records, segment
from contract.errors import Malformed


def restore(journal: Journal, known: Known, places: Collection[Place], at_ns: int) -> None:
    """Let `known` hold, of these counters, everything sealed that an edge at `at_ns` or later can rest on."""
    missing = {place for place in places if not known.reaches(place, at_ns)}
    if not missing:
        return
    chunks: dict[Place, list[Readings]] = {place: [] for place in missing}
    before = dict.fromkeys(missing, 0)  # readings answered by then; an edge rests on two of them
    for place, made in _alike(journal, known, frozenset(missing)):
        if place not in missing:
            continue
        read = known.read(place, [made])
        chunks[place].append(read)
        before[place] += int((read.answered_ns <= at_ns).sum())
        if before[place] > 1:
            missing.remove(place)
        if not missing:
            break
    for place, found in chunks.items():
        known.replace(place, joined([NOTHING, *reversed(found)]), whole=place in missing)


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


def _alike(journal: Journal, known: Known, places: Collection[Place]) -> Iterator[tuple[Place, segment.MeterSegment]]:
    """Segments of counters' meters, sealed while a manifest described the counter as it is now; the newest first."""
    stated: dict[bytes, list[tuple[int, int, set[Place]]]] = {}
    told: dict[tuple[bytes, ...], tuple[set[Place], set[Place]]] = {}  # a restart states the same again
    gone: dict[Place, int] = {}  # the last manifest that let it count elsewhere
    for number, manifest in enumerate(journal.since(0, "manifest")):
        parts = tuple(open_parts(manifest)[1:])
        if parts not in told:
            told[parts] = _described(parts, known, places)
        alike, elsewhere = told[parts]
        gone |= dict.fromkeys(elsewhere, number)
        stated.setdefault(manifest.epoch, []).append((manifest.seq, number, alike))
    # a segment is a map whose first member is its meter: others need not be taken apart
    beginnings = tuple(b"\xa3" + cbor.encode("meter") + cbor.encode(meter) for meter, _ in places)
    for stored in journal.backwards("segment"):
        in_force = [(number, alike) for seq, number, alike in stated.get(stored.epoch, ()) if seq < stored.seq]
        number, alike = in_force[-1] if in_force else (-1, set())
        counts = {place for place in alike if number > gone.get(place, -1)}
        if counts:
            made = [segment.decode(part) for part in open_parts(stored) if part.startswith(beginnings)]
            yield from ((place, one) for one in made for place in counts if place[0] == one.meter)


def _described(parts: tuple[bytes, ...], known: Known, places: Collection[Place]) -> tuple[set[Place], set[Place]]:
    """The counters that a manifest describes as now, and those that it lets count elsewhere."""
    try:
        counters = replay.counters(parts)
    except Malformed:
        return set(), set()  # of an older version: nothing it says is used
    alike = {place for place in places if counters.get(place) == known.counters[place]}
    return alike, {place for place in places if not replay.counts_on(known.counters[place], counters.get(place))}
