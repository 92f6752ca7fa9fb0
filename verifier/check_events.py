"""Every batch that was seen to end must have its record: one left out would make the others look better.

In: a trail, the batches and what the statement claims. Out: findings. Agents tell the end of a batch as an event when
they see it, long before its record is sealed.
"""

from collections.abc import Iterator, Sequence

from contract.errors import Malformed
from contract.records import EventPart
from verifier.check_batches import Batch, Period
from verifier.finding import Finding, lacking
from verifier.trail import GATEWAY, Item, Trail, records_of

ENDED = "batch_ended"


def unaccounted(
    trail: Trail, batches: Sequence[Batch], period: Period | None, *, provisional: bool
) -> Iterator[Finding]:
    """Batches told to have ended in the period, without a record. A provisional statement may still wait for one."""
    if period is None:
        return
    told, hidden, faults = _told(trail, period)
    kept_back = [item for item in (*trail.of("batch"), *trail.of("late_batch", author=GATEWAY)) if item.whole() is None]
    known = {_place(b.agent, b.head.line, b.head.batch, b.head.end.model_dump()) for b in batches}
    late = [batch for batch in batches if batch.late is not None]
    missing = [
        f"{item.index} {item.where}: batch {event.detail.get('batch')} of {event.about} ended, but has no record"
        for item, event in told
        if _place(item.header.author, event.about, event.detail.get("batch"), event.detail.get("edge")) not in known
        and not any(_is_told_late(batch, item.header.author, event) for batch in late)
        and not any(_may_record(batch, item.header.author, event) for batch in kept_back)
    ]
    if not provisional:
        faults += missing
    yield from (Finding("event", ok=False, text=fault) for fault in faults)
    yield from (lacking("event", f"{where}: withheld, though it touches the statement's period") for where in hidden)
    if not faults and not hidden:
        waiting = f", {len(missing)} still waited for" if missing else ""
        yield Finding(
            "event",
            ok=True,
            text=f"{len(told)} ends of batches told, {len(told) - len(missing)} with a record{waiting}",
        )


def _told(trail: Trail, period: Period) -> tuple[list[tuple[Item, EventPart]], list[str], list[str]]:
    """The ends of batches told in the period; entries withheld that may tell of one; what is wrong with others."""
    told, hidden, faults = [], [], []
    for item in trail.of("event"):
        if item.whole() is None and period.touches(item.header.from_ns, item.header.to_ns):
            hidden.append(f"{item.index} {item.where}")
        try:
            events = records_of(item, EventPart, "event")
        except Malformed as error:
            faults.append(f"{item.index} {item.where}: {error}")
            continue
        told += [(item, e) for e in events if e.event == ENDED and period.from_ns <= _ended_ns(e) < period.to_ns]
    return told, hidden, faults


def _may_record(hidden: Item, author: str, event: EventPart) -> bool:
    """Whether a record that is withheld may be of the batch: an entry's header tells when the batch ended."""
    earliest_ns, latest_ns = _interval(event)
    if hidden.header.author == GATEWAY:
        return earliest_ns <= hidden.header.to_ns
    return hidden.header.author == author and hidden.header.to_ns == latest_ns


def _is_told_late(batch: Batch, agent: str, event: EventPart) -> bool:
    """Whether somebody told the batch afterwards whose end the agent saw, at an end that may be the one seen."""
    end = batch.head.end
    same = (batch.agent, batch.head.line, batch.head.batch) == (agent, event.about, event.detail.get("batch"))
    earliest_ns, latest_ns = _interval(event)
    return same and end.earliest_ns <= latest_ns and earliest_ns <= end.latest_ns


def _ended_ns(event: EventPart) -> int:
    """The middle of the end's interval, by which attribution places a batch in a period."""
    return sum(_interval(event)) // 2


def _interval(event: EventPart) -> tuple[int, int]:
    match event.detail.get("edge"):
        case {"earliest_ns": int(earliest_ns), "latest_ns": int(latest_ns)}:
            return earliest_ns, latest_ns
        case _:
            return event.at_ns, event.at_ns


def _place(author: str, line: str, batch: object, edge: object) -> tuple[object, ...]:
    end = edge if isinstance(edge, dict) else {}
    return author, line, str(batch), str(end.get("earliest_ns")), str(end.get("latest_ns"))
