"""A batch that has ended becomes a batch record: edges and segments in, the entry's parts out.

Pure, and a function of the chain alone: whoever has the entries before it can make the same parts again.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from agent.aggregation.replay import Amount, Counter, amounts, readings
from agent.batches import Ended
from contract import records
from contract.records import CounterRef, LinePart
from contract.segment import MeterSegment

Role = Literal["energy", "good", "scrap"]
Counters = Mapping[tuple[str, str], Counter]


def refs(line: LinePart) -> list[tuple[Role, CounterRef]]:
    """The counters a batch record of this line speaks of, in its order."""
    told: list[tuple[Role, CounterRef]] = [("energy", ref) for ref in line.energy]
    if line.good is not None:
        told.append(("good", line.good))
    if line.scrap is not None:
        told.append(("scrap", line.scrap))
    return told


def needed_until_ns(line: LinePart, ended: Ended, counters: Counters) -> dict[str, int]:
    """Per meter, the request time that some reading must reach before nothing can change the record any more."""
    until: dict[str, int] = {}
    for _, ref in refs(line):
        age_ns = max(0, counters[ref.meter, ref.point].age_ns)
        until[ref.meter] = max(until.get(ref.meter, 0), ended.end.latest_ns + age_ns)
    return until


def parts(
    line: LinePart, ended: Ended, counters: Counters, segments: Mapping[str, Iterable[MeterSegment]], *, complete: bool
) -> list[bytes]:
    """The parts of the batch entry."""
    start, end = ended.running.start, ended.end
    edges = [(start.earliest_ns, start.latest_ns), (end.earliest_ns, end.latest_ns)]
    computed = [
        (role, ref, counters[ref.meter, ref.point], _one(counters[ref.meter, ref.point], segments, edges))
        for role, ref in refs(line)
    ]
    known = all(amount.amount is not None for _, _, _, amount in computed)
    head = records.BatchPart(
        batch=ended.running.batch,
        line=line.line,
        product=ended.running.product,
        start=start,
        end=end,
        closed="complete" if complete and known else "incomplete",
    )
    return [records.write(head), *(records.write(_part(*item)) for item in computed)]


def _one(counter: Counter, segments: Mapping[str, Iterable[MeterSegment]], edges: Sequence[tuple[int, int]]) -> Amount:
    return amounts(counter, readings(counter, segments.get(counter.meter, ())), edges, [(0, 1)])[0]


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
