"""A batch that has ended becomes a batch record: edges and readings in, the entry's parts out.

Pure, and a function of the chain alone: whoever has the entries before it can make the same parts again.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from agent.aggregation.replay import Amount, Counter, Readings, amounts, readings
from agent.batches import Ended
from contract import records
from contract.records import CounterRef, LinePart
from contract.segment import MeterSegment

Role = Literal["energy", "good", "scrap", "medium"]
Place = tuple[str, str]  # meter, point
Counters = Mapping[Place, Counter]


def refs(line: LinePart) -> list[tuple[Role, CounterRef]]:
    """The counters a batch record of this line speaks of, in its order."""
    told: list[tuple[Role, CounterRef]] = [("energy", ref) for ref in line.energy]
    if line.good is not None:
        told.append(("good", line.good))
    if line.scrap is not None:
        told.append(("scrap", line.scrap))
    return told + [("medium", ref) for ref in line.media or ()]


def places(line: LinePart) -> set[Place]:
    """The counters of a line, by (meter, point)."""
    return {(ref.meter, ref.point) for _, ref in refs(line)}


def settled_ns(ended: Ended, counter: Counter) -> int:
    """The request time that some reading must reach before later ones cannot change what was counted."""
    return ended.end.latest_ns + max(0, counter.age_ns)


def parts(
    line: LinePart, ended: Ended, counters: Counters, segments: Mapping[str, Iterable[MeterSegment]], *, complete: bool
) -> list[bytes]:
    """The parts of the batch entry, from the segments sealed before it."""
    sealed = {meter: list(made) for meter, made in segments.items()}
    known = {place: readings(counters[place], sealed.get(place[0], ())) for place in places(line)}
    return record(line, ended, counters, known, complete=complete)


def record(
    line: LinePart, ended: Ended, counters: Counters, known: Mapping[Place, Readings], *, complete: bool
) -> list[bytes]:
    """The parts of the batch entry, from the readings sealed before it."""
    start, end = ended.running.start, ended.end
    edges = [(start.earliest_ns, start.latest_ns), (end.earliest_ns, end.latest_ns)]
    found = {place: amounts(counters[place], known[place], edges, [(0, 1)])[0] for place in places(line)}
    head = records.BatchPart(
        batch=ended.running.batch,
        line=line.line,
        product=ended.running.product,
        start=start,
        end=end,
        closed="complete" if complete and all(one.amount is not None for one in found.values()) else "incomplete",
    )
    amount_parts = [
        _part(role, ref, counters[ref.meter, ref.point], found[ref.meter, ref.point]) for role, ref in refs(line)
    ]
    return [records.write(head), *map(records.write, amount_parts)]


def is_settled(line: LinePart, ended: Ended, counters: Counters, known: Mapping[Place, Readings]) -> bool:
    """Whether every counter has a reading after which nothing can change any more."""
    return all(
        known[place].requested_ns.size and int(known[place].requested_ns[-1]) >= settled_ns(ended, counters[place])
        for place in places(line)
    )


def _part(role: Role, ref: CounterRef, counter: Counter, amount: Amount) -> records.AmountPart:
    return records.AmountPart.model_validate(
        {
            "role": role,
            "meter": ref.meter,
            "point": ref.point,
            "unit": counter.unit,
            "amount": amount.amount,
            "lower": amount.lower,
            "upper": amount.upper,
            "u95": amount.u95,
            "interpolated_ppm": amount.interpolated_ppm,
            "anomalies": list(amount.anomalies),
        }
    )
