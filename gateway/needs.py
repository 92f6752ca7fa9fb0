"""What the starts of batches rest on, so that an archive shows it: two readings before each, however old.

In: a ledger, batch entries. Out: needs, and whether readings since a time meet them. Never: a reading off the way that
the batch's own epoch descends.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from agent.aggregation import replay
from agent.aggregation.replay import Counter
from contract import records
from contract.derived_records import DerivedPart
from contract.errors import Malformed
from contract.segment import is_good
from gateway import attribution, lineages
from gateway.ledger import LedgerEntry
from gateway.metered import Log, of_kind, parts_of, segments_of


@dataclass(frozen=True, slots=True)
class Need:
    """Two readings of this counter, under this configuration (begun at `floor_ns`), answered by `start_ns`.

    On the way to `epoch`, which alone its batch rests on.
    """

    author: str
    epoch: bytes
    configuration: tuple[bytes, ...]
    meter: str
    point: str
    start_ns: int
    floor_ns: int


def needs(log: Log, batches: Iterable[LedgerEntry], size: int) -> list[Need]:
    """What the starts of batches rest on: the last two readings before them, however old."""
    stated, floors = _configurations(log, size)
    by_place = cache(_by_place)  # many batches rest on one configuration
    needs = []
    for entry in (one for one in batches if one.type == "batch"):  # a late one rests on nothing beyond the margin
        configuration = _in_force(stated, entry)
        try:
            parts = parts_of(entry)
            attribution.facts(entry.author, parts)
            read = _read_for(configuration or ())
        except Malformed:
            continue
        if configuration is None:
            continue
        start_ns = records.read(parts[0], records.BatchPart).start.earliest_ns
        floor_ns = floors[entry.author, configuration]
        needs += [
            Need(entry.author, entry.epoch, configuration, amount.meter, point, start_ns, floor_ns)
            for amount in (records.read(part, records.AmountPart) for part in parts[1:])
            for point in read.get((amount.meter, amount.point), (amount.point,))
        ]
        order = [conf for author, conf in floors if author == entry.author]
        for meter, point, before in _before_exchange(by_place, order, configuration, parts[1:], start_ns):
            needs.append(Need(entry.author, entry.epoch, before, meter, point, start_ns, floors[entry.author, before]))
    return needs


def _before_exchange(
    by_place: Callable[[tuple[bytes, ...]], dict[tuple[str, str], Counter]], order: Sequence[tuple[bytes, ...]],
    configuration: tuple[bytes, ...], amounts: Iterable[bytes], start_ns: int,
) -> Iterator[tuple[str, str, tuple[bytes, ...]]]:  # fmt: skip
    """Of counters that were another instrument's at `start_ns`, the configuration (of these in order) that had it."""
    until = order[: order.index(configuration)]
    counters = by_place(configuration)
    for amount in (records.read(part, records.AmountPart) for part in amounts):
        place = amount.meter, amount.point
        counter = counters.get(place)
        if counter is None or counter.handover is None or start_ns >= counter.handover.last_ns:
            continue
        told = [by_place(one).get(place) for one in until]
        while told and replay.counts_on(counter, told[-1]):
            told.pop()
        found = replay.earlier(counter, told)
        if found is not None:
            yield *place, until[max(found[1])]


def _by_place(configuration: tuple[bytes, ...]) -> dict[tuple[str, str], Counter]:
    return {(counter.meter, counter.point): counter for counter in _stated_counters(configuration)}


def counters_stated(log: Log, size: int) -> Iterator[tuple[str, Counter]]:
    """Every counter that a manifest states, with its agent, in order of the ledger."""
    known: dict[tuple[bytes, ...], list[Counter]] = {}  # a restart states the same again
    for entry in of_kind(log, "manifest", size):
        parts = tuple(parts_of(entry)[1:])
        if parts not in known:
            known[parts] = _stated_counters(parts)
        yield from ((entry.author, counter) for counter in known[parts])


def _stated_counters(parts: tuple[bytes, ...]) -> list[Counter]:
    """A manifest's counters; none of one that cannot be read, which the verifier names."""
    try:
        return [*replay.counters(parts).values()]
    except (ValueError, ArithmeticError, LookupError):
        return []


def _read_for(configuration: tuple[bytes, ...]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The points that each derived counter is made of."""
    parts = (records.read(p, DerivedPart) for p in configuration if records.kind_of(p) == "derived")
    return {
        (part.meter, part.point): tuple(name for name in (part.counts, part.pressure, part.temperature) if name)
        for part in parts
    }


_Configurations = dict[tuple[str, bytes], list[tuple[int, tuple[bytes, ...]]]]


def _configurations(log: Log, size: int) -> tuple[_Configurations, dict[tuple[str, tuple[bytes, ...]], int]]:
    """The configurations of every author's epochs, with their entries' indices, and when each first began."""
    stated: _Configurations = {}
    floors: dict[tuple[str, tuple[bytes, ...]], int] = {}
    for entry in of_kind(log, "manifest", size):
        configuration = tuple(parts_of(entry)[1:])
        stated.setdefault((entry.author, entry.epoch), []).append((entry.index, configuration))
        place = entry.author, configuration
        floors[place] = min(entry.from_ns, floors.get(place, entry.from_ns))
    return stated, floors


def _in_force(stated: _Configurations, entry: LedgerEntry) -> tuple[bytes, ...] | None:
    """The configuration that an entry was written under."""
    told = stated.get((entry.author, entry.epoch), ())
    return next((configuration for index, configuration in reversed(told) if index < entry.index), None)


def lacks(log: Log, needs: Iterable[Need], since_ns: int, size: int) -> bool:
    """Whether a need is not met by what was read since then, though its configuration is older."""
    waiting = [need for need in needs if need.floor_ns < since_ns]
    if not waiting:
        return False
    stated, _ = _configurations(log, size)
    until_ns = max(need.start_ns for need in waiting)
    known = lineages.lineages(log, size)
    ways = {(n.author, n.epoch): known[n.author].path(n.epoch) for n in waiting if n.author in known}
    earliest: dict[tuple[str, bytes, tuple[bytes, ...] | None, str, str], list[int]] = {}
    for entry in log.select(("segment",), since_ns, until_ns):
        on = [
            (author, epoch)
            for (author, epoch), way in ways.items()
            if author == entry.author and known[author].place_on(way, entry.epoch, entry.seq) is not None
        ]
        for part in segments_of(entry) if on and entry.index < size else ():
            for block in part.blocks:
                for column in block.columns:
                    told = zip(block.answered_ns, column.raws, column.statuses, strict=True)
                    good = [at for at, raw, status in told if raw is not None and is_good(status)][:2]
                    for way in on:
                        place = *way, _in_force(stated, entry), part.meter, column.point
                        earliest[place] = sorted([*earliest.get(place, ()), *good])[:2]
    read = ((n, earliest.get((n.author, n.epoch, n.configuration, n.meter, n.point), ())) for n in waiting)
    return any(sum(at <= need.start_ns for at in answered) < 2 for need, answered in read)
