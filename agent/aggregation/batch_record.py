"""A batch's record: its edges and its line's readings in, the entry's parts out.

Pure, and the one way to a record: the agent makes it when a batch closes, the gateway for a batch that is told later,
and the verifier again from evidence. Never: reads where the edges come from, or fills what no reading shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from agent.aggregation.handover import lives
from agent.aggregation.replay import Amount, Counter, Readings, amounts
from contract import records
from contract.lots import Lot
from contract.records import AnyEdge, CounterRef, DeclaredEdge, LinePart

Role = Literal["energy", "good", "scrap", "medium"]
Place = tuple[str, str]  # meter, point
Counters = Mapping[Place, Counter]

# A batch that is told later rests on no reading further from it than this; without one so near it is incomplete.
AROUND_NS = 3600 * 10**9
NO_READINGS, BEFORE_START, AFTER_END = "no readings", "no reading before its start", "no reading after its end"


@dataclass(frozen=True, slots=True)
class Run:
    """One production run as it was told, and its lots; None where nobody says. `beside` are those that ran on after."""

    batch: str
    product: str
    start: AnyEdge
    end: AnyEdge
    inputs: Sequence[Lot] | None = None
    outputs: Sequence[Lot] | None = None
    beside: Sequence[str] = ()


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


def settled_ns(end: AnyEdge, counter: Counter) -> int:
    """The request time that some reading must reach before later ones cannot change what was counted."""
    return end.latest_ns + max(0, counter.age_ns)


def is_settled(line: LinePart, end: AnyEdge, counters: Counters, known: Mapping[Place, Readings]) -> bool:
    """Whether every counter has a reading after which nothing can change any more."""
    return all(_reaches(known[place], settled_ns(end, counters[place])) for place in places(line))


def around(known: Readings, run: Run) -> Readings:
    """What a batch that is told later may rest on: readings answered and requested at most `AROUND_NS` from it."""
    near = known.answered_ns >= run.start.earliest_ns - AROUND_NS
    near &= known.requested_ns <= run.end.latest_ns + AROUND_NS
    old = known.earlier
    return replace(known.where(near), earlier=None if old is None else replace(old, known=around(old.known, run)))


def declared(at_ns: int, half_width_ns: int) -> DeclaredEdge:
    """The edge that somebody states."""
    return DeclaredEdge(
        earliest_ns=at_ns - half_width_ns, latest_ns=at_ns + half_width_ns, at_ns=at_ns, half_width_ns=half_width_ns
    )


def lacking(line: LinePart, run: Run, counters: Counters, known: Mapping[Place, Readings]) -> list[str]:
    """Why a record from these readings is incomplete: a line for each counter of which something is not known."""
    edges = [(run.start.earliest_ns, run.start.latest_ns), (run.end.earliest_ns, run.end.latest_ns)]
    found = []
    for place in dict.fromkeys((ref.meter, ref.point) for _, ref in refs(line)):
        counter, read = counters[place], known[place]
        amount = amounts(counter, read, edges, [(0, 1)])[0]
        if not read.requested_ns.size:
            why = NO_READINGS
        elif int(lives(counter, read)[0][1].answered_ns[0]) > run.start.earliest_ns:
            why = BEFORE_START
        elif not _reaches(read, settled_ns(run.end, counter)):
            why = AFTER_END
        elif amount.amount is None:
            why = ", ".join(dict.fromkeys(amount.anomalies)) or "not known"
        else:
            continue
        found.append(f"{place[0]}/{place[1]}: {why}")
    return found


def record(
    line: LinePart, run: Run, counters: Counters, known: Mapping[Place, Readings], *, complete: bool
) -> list[bytes]:
    """The parts of the batch entry, from the readings that are known of each counter."""
    edges = [(run.start.earliest_ns, run.start.latest_ns), (run.end.earliest_ns, run.end.latest_ns)]
    found = {place: amounts(counters[place], known[place], edges, [(0, 1)])[0] for place in places(line)}
    head = records.BatchPart(
        batch=run.batch,
        line=line.line,
        product=run.product,
        start=run.start,
        end=run.end,
        closed="complete" if complete and all(one.amount is not None for one in found.values()) else "incomplete",
        inputs=None if run.inputs is None else list(run.inputs),
        outputs=None if run.outputs is None else list(run.outputs),
        beside=list(run.beside) or None,
    )
    amount_parts = [
        _part(role, ref, counters[ref.meter, ref.point], found[ref.meter, ref.point]) for role, ref in refs(line)
    ]
    return [records.write(head), *map(records.write, amount_parts)]


def _reaches(known: Readings, at_ns: int) -> bool:
    return bool(known.requested_ns.size and int(known.requested_ns[-1]) >= at_ns)


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
            "uncertainty": amount.uncertainty,
            "corrected": amount.corrected,
            "by_power": amount.by_power,
            "by_power_slack": amount.by_power_slack,
        }
    )
