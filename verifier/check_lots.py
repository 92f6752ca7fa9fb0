"""Lots that a line's controller showed: a batch's must follow from what was read of it, as the event says.

In: a trail, its evidence, batches, the period of the statement. Out: findings. The raw quantities of the event must be
among the readings that are sealed; the lots' names, being texts, rest on the event alone.
"""

from collections.abc import Iterator, Mapping, Sequence

from agent.aggregation import replay
from agent.aggregation.lot_tags import Value, lots
from agent.drivers.profile import Point
from contract import records
from contract.errors import Malformed
from contract.lots import LotRef
from contract.records import EventPart, LinePart
from contract.segment import MeterSegment
from verifier.check_batches import Batch, Period
from verifier.evidence import Evidence, Stated
from verifier.finding import Finding, lacking
from verifier.trail import Item, Trail, records_of

SHOWN = "batch_lots"


def shown(trail: Trail, evidence: Evidence, batches: Sequence[Batch], period: Period | None) -> Iterator[Finding]:
    """Every batch of a line with lots has those its controller showed."""
    told = _told(trail)
    checked = wrong = 0
    for batch in batches:
        stated = evidence.manifests.get(batch.item.index)
        line = None if stated is None else stated.lines.get(batch.head.line)
        if stated is None or line is None or not line.lots or batch.late is not None:
            continue
        if _is_withheld(trail, batch):
            if period is None or period.touches(batch.head.start.earliest_ns, batch.head.end.latest_ns):
                wrong += 1
                yield lacking("lots", f"{batch.name}: not recomputable: an entry of events is withheld")
            continue
        if hidden := _source_hidden(trail, evidence, batch, line):
            if period is None or period.touches(batch.head.start.earliest_ns, batch.head.end.latest_ns):
                wrong += 1
                yield lacking("lots", f"{batch.name}: not recomputable: {hidden}")
            continue
        checked += 1
        for fault in _faults(batch, line, stated, _event_of(told, batch), evidence):
            wrong += 1
            yield Finding("lots", ok=False, text=f"{batch.name}: {fault}")
    if checked and not wrong:
        yield Finding("lots", ok=True, text=f"lots of {checked} batches are those that were read")


def _told(trail: Trail) -> list[tuple[Item, EventPart]]:
    told = []
    for item in trail.of("event"):
        try:
            told += [(item, event) for event in records_of(item, EventPart, "event") if event.event == SHOWN]
        except Malformed:
            continue  # a finding of its own
    return told


def _is_withheld(trail: Trail, batch: Batch) -> bool:
    return any(
        item.whole() is None and item.header.to_ns >= batch.head.start.earliest_ns
        for item in trail.of("event")
        if item.header.author == batch.agent and item.order < batch.item.order
    )


def _source_hidden(trail: Trail, evidence: Evidence, batch: Batch, line: LinePart) -> str | None:
    """A segment in which the lots' quantities may have been read, and which is withheld."""
    for segment in evidence.hidden(trail):
        mine = segment.header.author == batch.agent and segment.order < batch.item.order
        if mine and segment.header.to_ns >= batch.head.start.earliest_ns and evidence.lacks(segment, [line.source]):
            return f"segment {segment.index} {segment.where} is withheld"
    return None


def _event_of(told: Sequence[tuple[Item, EventPart]], batch: Batch) -> EventPart | None:
    """The event about just this run of the batch's name."""
    for item, event in told:
        mine = item.header.author == batch.agent and item.order < batch.item.order and event.about == batch.head.line
        said = (event.detail.get("batch"), event.detail.get("edge"))
        if mine and said == (batch.head.batch, batch.head.end.model_dump()):
            return event
    return None


def _faults(batch: Batch, line: LinePart, stated: Stated, event: EventPart | None, evidence: Evidence) -> Iterator[str]:
    refs, given = line.lots or [], (batch.head.inputs, batch.head.outputs)
    if event is None:
        if given != (None, None):
            yield "states lots, but nothing on record says what was read of them"
        return
    try:
        values = _values(event)
        due = lots(refs, values, _points(stated, line.source))
    except (KeyError, ValueError, TypeError) as error:
        yield f"its lots are not recomputable: {' '.join(str(error).split())}"
        return
    for side, said, found in zip(("inputs", "outputs"), given, due, strict=True):
        if (None if said is None else tuple(said)) != found:
            yield f"its {side} are not those that were read"
    said_to = evidence.said.get((batch.agent, line.source))
    segments = [] if said_to is None else said_to.segments
    for ref, (_, raw) in zip(refs, values, strict=True):
        if raw is not None and not _is_read(ref, raw, event, segments):
            yield f"{line.source}/{ref.quantity}: the quantity of a lot is not among the readings"


def _values(event: EventPart) -> list[Value]:
    """Raises ValueError if the event does not say them."""
    values: list[Value] = []
    for one in event.detail.get("values", ()):
        match one:
            case [str() | None as name, int() | None as raw]:
                values.append((name, raw))
            case _:
                raise ValueError("the event does not say what was read")
    return values


def _points(stated: Stated, meter: str) -> Mapping[str, Point]:
    known = replay.known_profiles(stated.parts)
    parts = [records.read(part, records.MeterPart) for part in stated.parts if records.kind_of(part) == "meter"]
    return {point.id: point for part in parts if part.meter == meter for point in known[part.profile].points}


def _is_read(ref: LotRef, raw: int, event: EventPart, segments: Sequence[MeterSegment]) -> bool:
    """Whether a scan within the event's times, which evidence rounds to its tick, has the value."""
    first_ns, last_ns = int(event.detail["requested_ns"]), int(event.detail["answered_ns"])
    for segment in segments:
        for block in segment.blocks:
            columns = [column for column in block.columns if column.point == ref.quantity]
            for at, (requested_ns, answered_ns) in enumerate(zip(block.requested_ns, block.answered_ns, strict=True)):
                within = requested_ns > first_ns - segment.tick_ns and answered_ns < last_ns + segment.tick_ns
                if within and any(column.raws[at] == raw for column in columns):
                    return True
    return False
